import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { eachShard, type KclSession, UsageError } from '../../lib/index.ts'
import { TestWorker } from '../../lib/testing/index.ts'

test('serves every shard with a session of its own, side by side, and resolves when no more will come', async () => {
  const worker = new TestWorker()
  const [one, other] = [worker.shard(0), worker.shard(1)]
  const seen: string[] = []
  const working = eachShard(
    async (session) => {
      for await (const batch of session.batches()) {
        for await (const record of batch) seen.push(`${batch.shardId} ${record.text()}`)
      }
    },
    { ...worker.host, logger: false },
  )
  await Promise.all([one.start(), other.start()])
  assert.deepEqual([...working.sessions].map(({ shard }) => shard?.shardId).sort(), [
    'shardId-000000000000',
    'shardId-000000000001',
  ])
  await other.deliver(['b'])
  await one.deliver(['a'])
  assert.deepEqual(seen, ['shardId-000000000001 b', 'shardId-000000000000 a'])
  await worker.end()
  await working
  assert.equal(working.sessions.size, 0)
})

test('gives up the shard whose handler fails, lets the others go on, and rejects with its error in the end', async () => {
  const worker = new TestWorker()
  const [one, other] = [worker.shard(0), worker.shard(1)]
  let seen = 0
  const working = eachShard(
    async (session) => {
      for await (const batch of session.batches()) {
        if (batch.shardId === 'shardId-000000000000') throw new Error('no database')
        seen += batch.records.length
      }
    },
    { ...worker.host, logger: false },
  )
  await Promise.all([one.start(), other.start()])
  await assert.rejects(one.deliver(['a']), /its handler failed in processRecords: Error: no database/)
  await other.deliver(['b', 'c'])
  await worker.end()
  await assert.rejects(working, /no database/)
  assert.equal(seen, 2)
})

test('collects the errors of several shards', async () => {
  const worker = new TestWorker()
  const daemons = [worker.shard(0), worker.shard(1)]
  const working = eachShard(
    async (session) => {
      for await (const batch of session.batches()) throw new Error(`no ${batch.shardId}`)
    },
    { ...worker.host, logger: false },
  )
  const failed = assert.rejects(working, (error: AggregateError) => error.errors.length === 2)
  await Promise.all(daemons.map((daemon) => daemon.start()))
  await Promise.allSettled(daemons.map((daemon) => daemon.deliver(['a'])))
  await worker.end()
  await failed
})

test('calls a handler again with the same batch where onError says so', async () => {
  const worker = new TestWorker({ shards: 1 })
  const daemon = worker.shard(0)
  const attempts: number[] = []
  const failures: number[] = []
  const working = eachShard(
    async (session) => {
      for await (const batch of session.batches()) {
        attempts.push(batch.attempt)
        if (batch.attempt < 3) throw new Error('not yet')
        assert.equal(batch.records.length, 1)
      }
    },
    {
      ...worker.host,
      logger: false,
      onError: (error, session, attempt) => {
        assert.match(String(error), /not yet/)
        assert.equal(session.shard?.shardId, 'shardId-000000000000')
        failures.push(attempt)
        return 'retry'
      },
    },
  )
  await daemon.start()
  await daemon.deliver(['a'])
  assert.deepEqual(
    [attempts, failures],
    [
      [1, 2, 3],
      [1, 2],
    ],
  )
  await worker.end()
  await working
})

test('tells both errors where onError fails too', async () => {
  const worker = new TestWorker({ shards: 1 })
  const daemon = worker.shard(0)
  const working = eachShard(
    async (session) => {
      for await (const _ of session.batches()) throw new Error('no database')
    },
    {
      ...worker.host,
      logger: false,
      onError: () => {
        throw new Error('nor an alarm')
      },
    },
  )
  const failed = assert.rejects(working, (error: AggregateError) => {
    assert.deepEqual(error.errors.map(String), ['Error: no database', 'Error: nor an alarm'])
    return true
  })
  await daemon.start()
  await assert.rejects(daemon.deliver(['a']))
  await worker.end()
  await failed
})

test('counts failures anew once a record was finished', async () => {
  const worker = new TestWorker({ shards: 1 })
  const daemon = worker.shard(0)
  const attempts: number[] = []
  const failing = new Set(['b', 'c'])
  const working = eachShard(
    async (session) => {
      for await (const batch of session.batches()) {
        for await (const record of batch) {
          if (failing.delete(record.text())) throw new Error(`no ${record.text()}`)
        }
      }
    },
    {
      ...worker.host,
      logger: false,
      onError: (_error, _session, attempt) => {
        attempts.push(attempt)
        return 'retry'
      },
    },
  )
  await daemon.start()
  await daemon.deliver(['a', 'b', 'c'])
  assert.deepEqual(attempts, [1, 1])
  await worker.end()
  await working
})

test('a handler that breaks off because its lease was lost is no failure', async () => {
  const worker = new TestWorker()
  const [one, other] = [worker.shard(0), worker.shard(1)]
  const working = eachShard(
    async (session) => {
      for await (const batch of session.batches()) {
        batch.skipRest()
        await batch.checkpoint()
        batch.signal.throwIfAborted()
      }
    },
    { ...worker.host, logger: false },
  )
  one.refuseCheckpoints('ShutdownException')
  await one.deliver(['a'])
  await one.loseLease()
  await other.deliver(['b'])
  await worker.end()
  await working
  assert.deepEqual([...one.findings, ...other.findings], [])
})

test('takes a handler that returns before its shard is over for a failure, and names the missing await', async () => {
  const worker = new TestWorker({ shards: 1 })
  const daemon = worker.shard(0)
  const working = eachShard((session) => void session.forEach(() => {}).catch(() => {}), {
    ...worker.host,
    logger: false,
  })
  const failed = assert.rejects(working, /returned before .* was over.* is an await missing/)
  await assert.rejects(daemon.start(), /its handler failed.*returned before/)
  await worker.end()
  await failed
})

test('refuses what it cannot do, before any shard begins', async () => {
  const handler = (): void => {}
  const wrong: [unknown, object, RegExp][] = [
    ['consumer', {}, /give a function/],
    [handler, { polcy: 1 }, /eachShard\(\).*polcy.*policy/],
    [handler, { input: new PassThrough() }, /input/],
    [handler, { policy: 1 }, /eachShard\(\): policy/],
    [handler, { onError: 'retry' }, /onError is not a function/],
    [handler, { maxBytesInHand: 0 }, /maxBytesInHand is a whole number/],
    [handler, { host: {} }, /host is not/],
  ]
  for (const [given, options, text] of wrong) {
    await assert.rejects(eachShard(given as never, options as never), (error: Error) => {
      assert.ok(error instanceof UsageError, String(error))
      assert.match(error.message, text)
      return true
    })
  }
})

test('an answer to a checkpoint is read, however much is in hand', async () => {
  const worker = new TestWorker()
  const [one, other] = [worker.shard(0), worker.shard(1)]
  const working = eachShard(
    async (session: KclSession) => {
      for await (const batch of session.batches()) {
        batch.skipRest()
        assert.equal(await batch.checkpoint(), true)
      }
    },
    { ...worker.host, logger: false, maxBytesInHand: 1 },
  )
  await Promise.all([one.start(), other.start()])
  const large = Buffer.alloc(600 * 1024)
  await Promise.all([one.deliver([large]), other.deliver([large])])
  await worker.end()
  await working
})
