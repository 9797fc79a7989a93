import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyInterval, everyRecords, KclSession, manual, UsageError } from 'kcl-session'
import { TestDaemon, type TestRecord } from 'kcl-session/testing'

test('delivers text, bytes, objects and JSON, and resolves when the batch is acknowledged', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession(daemon.streams)
  const seen: string[] = []
  const done = session.forEach((record) => void seen.push(`${record.partitionKey} ${record.text()}`))
  const positions = await daemon.deliver([
    'text',
    Buffer.from('bytes'),
    { data: 'data', partitionKey: 'k' },
    { json: { id: 1 } },
    { data: null },
  ])
  assert.deepEqual(seen, ['key-0 text', 'key-1 bytes', 'k data', 'key-3 {"id":1}', 'key-4 '])
  assert.equal(positions.length, 5)
  await daemon.endShard()
  await done
  assert.deepEqual(daemon.checkpoints, [{ sequenceNumber: 'SHARD_END', subSequenceNumber: 0 }])
  assert.deepEqual(daemon.findings, [])
})

test('tells what was stored, and drains', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, policy: everyRecords(2) })
  const done = session.forEach(() => {})
  const positions = await daemon.deliver(['a', 'b', 'c'])
  assert.deepEqual(daemon.checkpointed, positions[1])
  await daemon.requestShutdown()
  assert.deepEqual(daemon.checkpointed, positions[2])
  await done
})

test('moves the clock of policies and retries by hand', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, policy: everyInterval({ minutes: 1 }), logger: false })
  const done = session.forEach(() => {})
  const [first] = await daemon.deliver(['a'])
  assert.equal(daemon.checkpointed, null)
  daemon.clock.advance(60_000)
  daemon.refuseCheckpoints('ThrottlingException')
  await daemon.deliver([])
  assert.equal(daemon.checkpointed, null)
  daemon.clock.advance(30_000)
  await daemon.deliver([])
  assert.deepEqual(daemon.checkpointed, first)
  await daemon.endShard()
  await done
})

test('loses the lease in the middle of a batch', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, policy: manual() })
  let lost: Promise<void> | undefined
  const answers: boolean[] = []
  const done = (async () => {
    for await (const batch of session.batches()) {
      lost = daemon.loseLease()
      answers.push(await batch.checkpoint())
    }
  })()
  await daemon.deliver(['a'])
  await lost
  await done
  assert.deepEqual(answers, [false])
})

test('starts where it is told, and dies when it is told', async () => {
  const checkpoint = { sequenceNumber: '7', subSequenceNumber: 1 }
  const daemon = new TestDaemon({ shardId: 'shardId-000000000009', checkpoint })
  const session = new KclSession(daemon.streams)
  const next = session.batches().next()
  await daemon.start()
  assert.deepEqual(session.shard, { shardId: 'shardId-000000000009', ...checkpoint })
  daemon.endInput()
  assert.equal((await next).done, true)
})

test('fails the call, with the whole story, when the session gives up', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({
    ...daemon.streams,
    logger: false,
    onInitialize: () => {
      throw new Error('no database')
    },
  })
  const done = assert.rejects(
    session.forEach(() => {}),
    /no database/,
  )
  await assert.rejects(
    daemon.deliver(['a']),
    /shardId-000000000000: the session broke the protocol in initialize\.\n {2}expected: .*\n {2}came: .*closed its output\n {2}the real daemon: .*exits 1/,
  )
  await assert.rejects(daemon.endShard(), /broke the protocol/, 'and every call after it')
  await done
})

test('fails the call when the session speaks out of turn', async () => {
  const daemon = new TestDaemon()
  daemon.streams.output.write('{"action":"status","responseFor":"processRecords"}\n')
  await assert.rejects(daemon.start(), /between two actions/)
})

test('fails the call, and says what to look at, when no status comes', async () => {
  const daemon = new TestDaemon({ patience: { milliseconds: 50 } })
  const session = new KclSession({ ...daemon.streams, logger: false })
  const loop = session.batches()
  void loop.next()
  await assert.rejects(daemon.deliver(['a']), /no status for processRecords within 0.05 s.*next batch/)
})

test('refuses what is no record', () => {
  for (const record of [{ id: 1 }, 7, { data: 7 }, null]) {
    assert.throws(() => new TestDaemon().deliver([record as unknown as TestRecord]), UsageError)
  }
})
