import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FaultPlan, oddKeys, parseFaults } from '../../../lib/daemon/faults/faults.ts'
import { type Shard, Stream } from '../../../lib/daemon/stream/stream.ts'
import { UsageError } from '../../../lib/errors.ts'

const stream = new Stream({ shards: 3, createdAt: 0 })
const [first, second] = stream.shards as [Shard, Shard]

test('reads faults as they are written', () => {
  assert.deepEqual(
    parseFaults(['refuse=ThrottlingException:0.1', 'split:@500/1', 'shutdown', 'empty:x3']).faults,
    [
      { name: 'refuse', exception: 'ThrottlingException', time: { chance: 0.1 }, shard: null },
      { name: 'split', exception: '', time: { after: 500 }, shard: 1 },
      { name: 'shutdown', exception: '', time: { times: 1 }, shard: null },
      { name: 'empty', exception: '', time: { times: 3 }, shard: null },
    ],
  )
  assert.deepEqual(parseFaults(['aggregate=5', 'odd-keys']), { faults: [], aggregate: 5, oddKeys: true })
})

test('refuses what is no fault', () => {
  for (const text of [
    '',
    'refuse',
    'refuse=',
    'refuse=Two Words',
    'lease-lost=3',
    'leaselost',
    'split:0',
    'split:2',
    'split:1',
    'split:-0.5',
    'split:x0',
    'split:@',
    'split:',
    'split/one',
    'aggregate',
    'aggregate=1',
    'aggregate=5:x1',
    'odd-keys=yes',
    'odd-keys/1',
    'split:@5:@6',
  ]) {
    assert.throws(() => parseFaults([text]), UsageError, text)
  }
})

test('strikes the first times, once after so many records, or by chance', () => {
  const plan = new FaultPlan(parseFaults(['empty:x2', 'shutdown:@100', 'refuse=X:0.25']).faults, 1)
  const strikes = (name: 'empty' | 'shutdown', delivered: number): boolean =>
    plan.strike(name, first, delivered) !== null
  assert.deepEqual([strikes('empty', 0), strikes('empty', 0), strikes('empty', 0)], [true, true, false])
  assert.deepEqual(
    [strikes('shutdown', 99), strikes('shutdown', 130), strikes('shutdown', 200)],
    [false, true, false],
  )
  const refused = Array.from({ length: 4000 }, () => plan.strike('refuse', first, 0)?.exception === 'X')
  const share = refused.filter(Boolean).length / refused.length
  assert.ok(share > 0.2 && share < 0.3, `${share}`)
})

test('counts for every shard by itself, or strikes one shard only', () => {
  const plan = new FaultPlan(parseFaults(['empty', 'shutdown/1']).faults, 1)
  assert.ok(plan.strike('empty', first, 0) !== null && plan.strike('empty', second, 0) !== null)
  assert.ok(plan.strike('shutdown', first, 0) === null && plan.strike('shutdown', second, 0) !== null)
})

test('throws the same dice for the same seed, whatever the other shards do', () => {
  const throws = (seed: number, between: number): boolean[] => {
    const plan = new FaultPlan(parseFaults(['empty:0.5']).faults, seed)
    return Array.from({ length: 64 }, () => {
      for (let at = 0; at < between; at += 1) plan.strike('empty', second, 0)
      return plan.strike('empty', first, 0) !== null
    })
  }
  assert.deepEqual(throws(7, 0), throws(7, 3))
  assert.notDeepEqual(throws(7, 0), throws(8, 0))
})

test('does not split the children of what was split by count', () => {
  const reader = { read: () => ({ data: Buffer.alloc(0), partitionKey: 'k', arrivedAt: 0 }) }
  const family = new Stream({ shards: 1, createdAt: 0 })
  const children = family.split(family.shards[0] as Shard, 0, reader) ?? []
  const plan = new FaultPlan(parseFaults(['split']).faults, 1)
  assert.equal(children.length, 2)
  for (const child of children) assert.equal(plan.strike('split', child, 0), null)
})

test('makes keys odd, and keeps equal keys equal and different keys different', () => {
  const odd = oddKeys((line) => line.toString())
  const keys = Array.from({ length: 1000 }, (_, at) => odd(Buffer.from(`key ${at}`), ''))
  assert.equal(new Set(keys).size, 1000)
  assert.equal(odd(Buffer.from('key 3'), ''), keys[3])
  assert.ok(keys.some((key) => key.includes('\u2028')) && keys.some((key) => key.includes('😀')))
  assert.ok(keys.every((key) => [...key].length <= 256))
  const long = 'k'.repeat(256)
  assert.equal(odd(Buffer.from(long), ''), long)
})
