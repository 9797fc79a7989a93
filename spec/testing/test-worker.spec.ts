import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachShard, everyInterval, type KclSession, UsageError } from 'kcl-session'
import { TestWorker } from 'kcl-session/testing'

test('plays several shards to one eachShard, each with a clock and checkpoints of its own', async () => {
  const worker = new TestWorker({ shards: 3 })
  const seen: string[] = []
  const running = eachShard(taking(seen), {
    ...worker.host,
    policy: everyInterval({ minutes: 1 }),
    logger: false,
  })
  await worker.shard(2).deliver(['c'])
  const [first] = await worker.shard(0).deliver(['a'])
  worker.shard(0).clock.advance(60_000)
  await worker.shard(0).deliver([])
  assert.deepEqual(seen, ['shardId-000000000002 c', 'shardId-000000000000 a'])
  assert.deepEqual(worker.shard('shardId-000000000000').checkpointed, first)
  assert.equal(worker.shard(2).checkpointed, null)
  await worker.end()
  assert.notEqual(worker.shard(2).checkpointed, null)
  await running
})

test('fails the call of the shard whose handler throws, with its error; the others go on and are drained', async () => {
  const worker = new TestWorker({ shards: 2 })
  const seen: string[] = []
  const error = new Error('no database')
  const running = eachShard(
    async (session) => {
      for await (const batch of session.batches()) {
        if (batch.shardId === 'shardId-000000000000') throw error
        for await (const record of batch) seen.push(`${batch.shardId} ${record.text()}`)
      }
    },
    { ...worker.host, logger: false },
  )
  const failed = assert.rejects(running, error)
  await assert.rejects(worker.shard(0).deliver(['a']), (failure: Error) => failure.cause === error)
  await worker.shard(1).deliver(['b'])
  await worker.end()
  await failed
  assert.deepEqual(seen, ['shardId-000000000001 b'])
})

test('loses the lease of one shard, and gives it another one later', async () => {
  const worker = new TestWorker({ shards: 2 })
  const seen: string[] = []
  const running = eachShard(taking(seen), { ...worker.host, logger: false })
  const [first] = await worker.shard(0).deliver(['a', 'b'])
  assert.throws(() => worker.begin(0), /is at work/)
  await worker.shard(0).loseLease()
  await worker.shard(1).deliver(['c'])
  await worker.begin(0, { checkpoint: first }).deliver(['b'])
  await worker.end()
  await running
  assert.deepEqual(
    seen.map((line) => line.slice(-3)),
    ['0 a', '0 b', '1 c', '0 b'],
  )
})

test('begins the children when their parent has ended', async () => {
  const worker = new TestWorker({ shards: 1 })
  const seen: string[] = []
  const running = eachShard(taking(seen), { ...worker.host, logger: false })
  await worker.shard(0).deliver(['parent'])
  await worker.shard(0).endShard()
  await Promise.all([worker.begin().deliver(['left']), worker.begin().deliver(['right'])])
  assert.deepEqual(
    [...running.sessions].map(({ shard }) => shard?.shardId),
    ['shardId-000000000001', 'shardId-000000000002'],
  )
  await worker.shard(1).endShard()
  await worker.end()
  await running
  assert.equal(seen.length, 3)
})

test('says what cannot be', async () => {
  const worker = new TestWorker({ shards: 1 })
  assert.throws(() => worker.shard(1), /there is no shardId-000000000001, only these: shardId-000000000000/)
  assert.throws(() => new TestWorker({ shards: -1 }), UsageError)
  assert.throws(() => new TestWorker({ shard: 1 } as never), /Did you mean shards/)
  const running = eachShard(taking([]), { ...worker.host, logger: false })
  await assert.rejects(eachShard(taking([]), worker.host), /was given to another call/)
  await worker.end()
  await running
  assert.throws(() => worker.begin(), /no shard begins any more/)
})

function taking(seen: string[]): (session: KclSession) => Promise<void> {
  return async (session) => {
    for await (const batch of session.batches()) {
      for await (const record of batch) seen.push(`${batch.shardId} ${record.text()}`)
    }
  }
}
