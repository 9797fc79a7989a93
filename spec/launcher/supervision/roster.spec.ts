import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Roster } from '../../../lib/launcher/supervision/roster.ts'

test('misses a consumer that is gone without having been seen out', () => {
  const roster = new Roster()
  roster.arrive(1, 'a')
  roster.arrive(2, 'b')
  assert.deepEqual(
    roster.callTheRoll((pid) => pid === 2, 0).map(({ shardId }) => shardId),
    ['a'],
  )
  assert.deepEqual(
    roster.present.map(({ pid }) => pid),
    [2],
  )
  assert.deepEqual(roster.missing(2999, 3000), [])
  assert.deepEqual(
    roster.missing(3000, 3000).map(({ shardId }) => shardId),
    ['a'],
  )
})

test('does not miss one that the daemon has seen out, before or after it was found gone', () => {
  const roster = new Roster()
  roster.arrive(1, 'a')
  roster.arrive(2, 'b')
  roster.seeOut()
  roster.callTheRoll(() => false, 0)
  roster.seeOut()
  assert.deepEqual(roster.missing(10_000, 3000), [])
})

test('keeps the last words of a shard’s latest consumer', () => {
  const roster = new Roster()
  roster.hear('a', 'too early')
  roster.arrive(1, 'a')
  for (let at = 0; at < 30; at++) roster.hear('a', `line ${at}`)
  assert.deepEqual([roster.lastWordsOf('a').length, roster.lastWordsOf('a').at(-1)], [20, 'line 29'])
  roster.arrive(2, 'a')
  assert.deepEqual(roster.lastWordsOf('a'), [])
})
