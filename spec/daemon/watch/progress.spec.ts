import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Shard, Stream } from '../../../lib/daemon/stream/stream.ts'
import { Account } from '../../../lib/daemon/watch/account.ts'
import { ShardProgress } from '../../../lib/daemon/watch/progress.ts'

test('counts as acknowledged what a status acknowledged, each record once', () => {
  const progress = shardOf(100)
  progress.begin(0)
  progress.deliver(40, 0)
  progress.acknowledge()
  progress.store(10)
  progress.begin(10)
  progress.deliver(50, 0)
  progress.acknowledge()
  assert.deepEqual([progress.acknowledged, progress.checkpointed, progress.delivered], [60, 10, 60])
  assert.equal(progress.isDone, false)
})

test('is done with records whose checkpoint was stored before their consumer died, and says that no status came', () => {
  const progress = shardOf(100)
  const account = new Account({ watchKeys: false })
  const deliver = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) account.delivered(at, 'k')
    progress.deliver(to - from, 0)
  }
  const store = (to: number): void => {
    for (let at = progress.store(to); at < to; at += 1) account.checkpointed(at)
  }
  progress.begin(0)
  deliver(0, 30)
  store(30)
  progress.begin(30)
  deliver(30, 100)
  store(100)
  for (let at = 30; at < 100; at += 1) account.acknowledged(at)
  progress.acknowledge()
  assert.equal(progress.isDone, true)
  assert.equal(progress.acknowledged, 70)
  assert.equal(account.totals(100, true).acknowledged, progress.acknowledged)
})

test('leaves what an earlier run dealt with out of account', () => {
  const progress = shardOf(100, 25)
  progress.begin(25)
  progress.deliver(75, 0)
  progress.acknowledge()
  assert.deepEqual([progress.total, progress.delivered, progress.acknowledged], [75, 75, 75])
})

function shardOf(records: number, first: number = 0): ShardProgress {
  const stream = new Stream({ shards: 1, createdAt: 0 })
  for (let ordinal = 0; ordinal < records; ordinal += 1) stream.put(ordinal, () => 'key')
  return new ShardProgress(stream.shards[0] as Shard, first)
}
