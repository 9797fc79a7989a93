import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FaultPlan } from '../../../lib/daemon/faults/fault-plan.ts'
import { parseFaults } from '../../../lib/daemon/faults/faults.ts'
import { type Shard, Stream } from '../../../lib/daemon/stream/stream.ts'

const stream = new Stream({ shards: 3, createdAt: 0 })
const [first, second] = stream.shards as [Shard, Shard]

test('strikes the first times, once after so many records, or by chance', () => {
  const plan = new FaultPlan(
    parseFaults(['empty:x2', 'shutdown:@100', 'refuse=RuntimeException:0.25']).faults,
    1,
  )
  const strikes = (name: 'empty' | 'shutdown', delivered: number): boolean =>
    plan.due(name, first, delivered) !== null
  assert.deepEqual([strikes('empty', 0), strikes('empty', 0), strikes('empty', 0)], [true, true, false])
  assert.deepEqual(
    [strikes('shutdown', 99), strikes('shutdown', 130), strikes('shutdown', 200)],
    [false, true, false],
  )
  const refused = Array.from(
    { length: 4000 },
    () => plan.due('refuse', first, 0)?.exception === 'RuntimeException',
  )
  const share = refused.filter(Boolean).length / refused.length
  assert.ok(share > 0.2 && share < 0.3, `${share}`)
})

test('counts for every shard by itself, or strikes one shard only', () => {
  const plan = new FaultPlan(parseFaults(['empty', 'shutdown/1']).faults, 1)
  assert.ok(plan.due('empty', first, 0) !== null && plan.due('empty', second, 0) !== null)
  assert.ok(plan.due('shutdown', first, 0) === null && plan.due('shutdown', second, 0) !== null)
})

test('throws the same dice for the same seed, whatever the other shards do', () => {
  const throws = (seed: number, between: number): boolean[] => {
    const plan = new FaultPlan(parseFaults(['empty:0.5']).faults, seed)
    return Array.from({ length: 64 }, () => {
      for (let at = 0; at < between; at += 1) plan.due('empty', second, 0)
      return plan.due('empty', first, 0) !== null
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
  for (const child of children) assert.equal(plan.due('split', child, 0), null)
})

test('counts what has struck, and lets a fault come again that found nothing to strike', () => {
  const plan = new FaultPlan(parseFaults(['shutdown:@10', 'empty:x2', 'split/7']).faults, 1)
  const fault = plan.due('shutdown', first, 20)
  assert.ok(fault !== null)
  assert.equal(plan.due('shutdown', first, 30), null)
  plan.missed(fault, first)
  assert.equal(plan.due('shutdown', first, 30), fault)
  plan.struck(fault)
  plan.due('empty', second, 0)
  assert.deepEqual(
    plan.tally.map((one) => [one.fault.text, one.struck]),
    [
      ['shutdown:@10', 1],
      ['empty:x2', 0],
      ['split/7', 0],
    ],
  )
})
