import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DaemonEvent } from '../../../lib/launcher/supervision/marks.ts'
import { Troubles } from '../../../lib/launcher/supervision/troubles.ts'

const REFUSED = 'Nothing answers at localhost:9: connection refused.'

test('gives what the daemon complained of at last as the reason of its death', () => {
  const troubles = new Troubles()
  troubles.work()
  assert.equal(troubles.why(0), undefined)
  troubles.hear(event('ERROR', 'out of sorts'), undefined, 0)
  assert.equal(troubles.why(1000), 'out of sorts')
  troubles.hear(event('ERROR', 'x'), REFUSED, 2000)
  assert.equal(troubles.why(3000), REFUSED)
})

test('has forgotten a cause that is past: the tables were back for a minute when the daemon was killed', () => {
  const troubles = new Troubles()
  troubles.work()
  for (const at of [0, 1000, 2000]) troubles.hear(event('ERROR', 'x'), REFUSED, at)
  assert.equal(troubles.why(16_999), REFUSED)
  assert.equal(troubles.why(17_000), undefined)
  assert.equal(troubles.cause(71_000), undefined)
})

test('keeps a cause for as long as the daemon has not begun to work', () => {
  const troubles = new Troubles()
  troubles.hear(event('ERROR', 'x'), REFUSED, 0)
  assert.equal(troubles.cause(60_000), REFUSED)
})

test('takes a cause for news once, and again when it comes back', () => {
  const troubles = new Troubles()
  troubles.work()
  const news = [0, 10_000, 20_000, 60_000].map((at) => troubles.hear(event('WARN', 'x'), REFUSED, at))
  assert.deepEqual(news, [true, false, false, true])
})

test('notices what is said again within a minute, whatever its count, but not what is said of another shard', () => {
  const troubles = new Troubles()
  const repeated = (message: string, at: number): boolean => troubles.isRepeated(event('ERROR', message), at)
  assert.equal(repeated('Failed to perform assignment 3 times in a row', 0), false)
  assert.equal(repeated('Failed to perform assignment 4 times in a row', 500), true)
  assert.equal(repeated('Failed to perform assignment 5 times in a row', 60_000), false)
  assert.equal(repeated('shardId-000000000001 failed', 0), false)
  assert.equal(repeated('shardId-000000000002 failed', 0), false)
  assert.equal(troubles.isRepeated(event('INFO', 'Sleeping'), 0), false)
  assert.equal(troubles.isRepeated(event('INFO', 'Sleeping'), 1), false)
})

function event(level: string, message: string): DaemonEvent {
  return { level, time: '', thread: '', logger: 'Scheduler', message, causes: [], stack: [] }
}
