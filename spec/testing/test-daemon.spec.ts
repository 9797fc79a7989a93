import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyInterval, everyRecords, KclSession, manual, UsageError } from 'kcl-session'
import { TestDaemon, type TestRecord, testRecord } from 'kcl-session/testing'

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

test('names the error of a loop that threw, at once, and not the timers that watch over what was left', async (t) => {
  // The runner takes what nobody handles for a failure of this spec.
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  t.after(() => {
    for (const listener of listeners) process.on('unhandledRejection', listener)
  })
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger: false })
  const done = (async () => {
    for await (const batch of session.batches()) throw new Error(`cannot write ${batch.records.length}`)
  })()
  await assert.rejects(daemon.deliver(['a', 'b']), (error: Error) => {
    assert.match(error.message, /no status for processRecords: .*the consumer's loop.*Error: cannot write 2/)
    assert.match(String(error.cause), /cannot write 2/)
    return true
  })
  await assert.rejects(done, /cannot write 2/)
})

test('does not take the timers that only watch for something to move on', async () => {
  const daemon = new TestDaemon({ patience: { milliseconds: 50 } })
  const session = new KclSession({ ...daemon.streams, logger: false })
  const done = (async () => {
    for await (const _ of session.batches()) throw new Error('nobody is shown this')
  })()
  done.catch(() => {})
  await assert.rejects(daemon.deliver(['a']), /or has it ended, with an error that nobody was shown\?$/)
})

test('makes a record for the test of a handler alone', () => {
  const record = testRecord({ json: { id: 1 }, partitionKey: 'a', timestamp: 7 })
  assert.deepEqual([record.json(), record.partitionKey, record.timestamp], [{ id: 1 }, 'a', 7])
  assert.match(record.sequenceNumber, /^\d{56}$/)
  assert.equal(testRecord('text').text(), 'text')
  assert.throws(() => testRecord({ data: 'x', sequenceNumber: 'one' }), UsageError)
})

test('refuses what is no record', () => {
  for (const record of [{ id: 1 }, 7, { data: 7 }, null]) {
    assert.throws(() => new TestDaemon().deliver([record as unknown as TestRecord]), UsageError)
  }
})

test('refuses positions that do not go up, from the checkpoint of the lease on', async () => {
  const daemon = new TestDaemon({ checkpoint: { sequenceNumber: '50', subSequenceNumber: 1 } })
  const session = new KclSession(daemon.streams)
  const done = session.forEach(() => {})
  const at = (sequenceNumber: string, subSequenceNumber = 0) => ({
    data: '',
    sequenceNumber,
    subSequenceNumber,
  })
  refuses(
    () => daemon.deliver([at('50', 1)]),
    /never sends 50 sub 1 after 50 sub 1, the checkpoint of the lease/,
  )
  refuses(() => daemon.deliver([at('7')]), /positions only go up/)
  await daemon.deliver([at('50', 2), at('60'), at('60', 1), at('60', 4)])
  refuses(() => daemon.deliver([at('60', 4)]), /60 sub 4 after 60 sub 4, the record before it/)
  refuses(() => daemon.deliver([at('61'), at('59')]), /59 after 61/)
  // What was refused was never made, and records without a number stand behind the last one.
  const [position] = await daemon.deliver([at('61')])
  const [next] = await daemon.deliver(['x'])
  assert.equal(position?.sequenceNumber, '61')
  assert.ok(BigInt(next?.sequenceNumber ?? 0) > 61n)
  const large = `9${'0'.repeat(60)}`
  await daemon.deliver([at(large)])
  assert.equal((await daemon.deliver(['y']))[0]?.sequenceNumber, String(BigInt(large) + 1n))
  await daemon.endShard()
  await done
})

test('refuses what the real daemon never sends', () => {
  const daemon = new TestDaemon()
  const refused: readonly (readonly [TestRecord, RegExp])[] = [
    [{ data: '', sequenceNumber: 'TRIM_HORIZON' }, /the sequence number "TRIM_HORIZON": it is digits/],
    [{ data: '', sequenceNumber: '007' }, /without zeros in front/],
    [{ data: '', subSequenceNumber: -1 }, /the sub-sequence number -1: it counts from 0/],
    [{ data: '', partitionKey: '' }, /a key has 1 to 256/],
    [{ data: '', partitionKey: 'k'.repeat(257) }, /a key has 1 to 256/],
    [{ data: '', partitionKey: '\ud800' }, /Unicode characters/],
    [{ data: '', timestamp: 1.5 }, /the timestamp 1\.5/],
    [Buffer.alloc(10 * 1024 * 1024 + 1), /up to 10 MiB/],
  ]
  for (const [record, pattern] of refused) refuses(() => daemon.deliver([record]), pattern)
  refuses(() => daemon.deliver(Array.from({ length: 10_001 }, () => '')), /a batch of 10001 records/)
  refuses(() => daemon.deliver([], -1), /millisBehindLatest: -1/)
  refuses(() => daemon.refuseCheckpoints('com.example.ThrottlingException'), /by its simple class name/)
  refuses(() => daemon.refuseCheckpoints('ThrottlingException', 0), /how many times/)
  refuses(() => new TestDaemon({ shardId: 'shard 1' }), /not the name of a shard/)
  for (const sequenceNumber of ['SHARD_END', '', '-5']) {
    refuses(
      () => new TestDaemon({ checkpoint: { sequenceNumber, subSequenceNumber: 0 } }),
      /never sends a lease/,
    )
  }
  new TestDaemon({ checkpoint: { sequenceNumber: 'LATEST', subSequenceNumber: 0 } })
})

test('sends nothing after the end', async () => {
  for (const end of ['endShard', 'requestShutdown', 'loseLease', 'endInput'] as const) {
    const daemon = new TestDaemon()
    const session = new KclSession(daemon.streams)
    const done = session.forEach(() => {})
    await daemon.start()
    await daemon[end]()
    refuses(() => daemon.deliver(['late']), new RegExp(`deliver\\(\\) after ${end}\\(\\): .* nothing more`))
    refuses(() => daemon.endShard(), /endShard\(\) after/)
    await done
  }
})

test('ends no shard, and asks for no shutdown, when a checkpoint has told that the lease is gone', async () => {
  for (const end of ['endShard', 'requestShutdown'] as const) {
    const daemon = new TestDaemon()
    const session = new KclSession({ ...daemon.streams, policy: everyRecords(1) })
    const done = session.forEach(() => {})
    daemon.refuseCheckpoints('ShutdownException')
    await daemon.deliver(['a'])
    await assert.rejects(daemon[end](), /once a checkpoint was refused with ShutdownException/)
    daemon.endInput()
    await done
  }
})

test('lets what the real daemon takes no notice of pass, and keeps it', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession(daemon.streams)
  const done = session.forEach(() => {})
  await daemon.deliver(['a'])
  daemon.streams.output.write('hello\n')
  await daemon.deliver(['b'])
  assert.deepEqual(
    daemon.findings.map(({ kind }) => kind),
    ['text'],
  )
  await daemon.endShard()
  await done
})

function refuses(call: () => unknown, pattern: RegExp): void {
  assert.throws(call, (error) => error instanceof UsageError && pattern.test(error.message))
}
