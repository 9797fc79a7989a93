import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { KclSession, type KclSessionOptions, UsageError } from '../../lib/index.ts'
import { ChildWire } from '../helpers/child-wire.ts'
import { checkpoint, records, SHARD, settle, status, Wire } from '../helpers/wire.ts'

const initialize = {
  action: 'initialize',
  shardId: SHARD,
  sequenceNumber: 'TRIM_HORIZON',
  subSequenceNumber: 0,
}
const deliver = (count: number, from = 1) => ({
  action: 'processRecords',
  records: records(count, from),
  millisBehindLatest: 0,
})

for (const protocol of ['stdio', 'fds'] as const) {
  test(`speaks the protocol on ${protocol}, and prints on stderr`, async (t) => {
    const wire = new ChildWire(t, 'stores-each', protocol)
    wire.say(initialize)
    assert.deepEqual(await wire.said(), status('initialize'))
    wire.say(deliver(1))
    assert.deepEqual(await wire.said(), checkpoint(1))
    wire.say({ ...checkpoint(1), error: null })
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.end()
    assert.deepEqual(await wire.exited, { code: 0, signal: null })
    assert.match(wire.stderr + (protocol === 'fds' ? wire.stdout : ''), /record 1\nthe loop has ended\n/)
    if (protocol === 'stdio') assert.doesNotMatch(wire.stdout, /record/)
  })

  test(`ends by itself after break on ${protocol}, with a notice and an exit code`, async (t) => {
    const wire = new ChildWire(t, 'breaks', protocol)
    wire.say(initialize)
    await wire.said()
    wire.say(deliver(2))
    assert.deepEqual(await wire.exited, { code: 1, signal: null })
    assert.match(wire.stderr, /shardId-000000000000: a batch was left unacknowledged; its records from 1 on/)
    assert.equal(await wire.said(), null)
  })

  test(`ends at once when the body throws on ${protocol}, and acknowledges nothing`, async (t) => {
    const wire = new ChildWire(t, 'throws', protocol)
    wire.say(initialize)
    await wire.said()
    wire.say(deliver(2))
    assert.deepEqual(await wire.exited, { code: 1, signal: null })
    assert.match(wire.stderr, /cannot handle record 1/)
    assert.equal(await wire.said(), null)
  })

  test(`takes the exit code back on ${protocol} when a later loop acknowledges the batch`, async (t) => {
    const wire = new ChildWire(t, 'comes-back', protocol)
    wire.say(initialize)
    await wire.said()
    wire.say(deliver(1))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.end()
    assert.deepEqual(await wire.exited, { code: 0, signal: null })
  })

  test(`gives a shard up on ${protocol} that a living process has left`, async (t) => {
    const wire = new ChildWire(t, 'lingers', protocol)
    wire.say(initialize)
    await wire.said()
    wire.say(deliver(1))
    assert.equal(await wire.said(), null)
    assert.equal(wire.child.exitCode, null, 'the process itself lives on')
  })
}

test('lives from shutdownRequested to the end of its input, under signals to its whole group, too', async (t) => {
  const wire = new ChildWire(t, 'stores-each')
  wire.say(initialize)
  await wire.said()
  wire.child.kill('SIGINT')
  wire.child.kill('SIGTERM')
  wire.say({ action: 'shutdownRequested' })
  assert.deepEqual(await wire.said(), status('shutdownRequested'))
  wire.child.kill('SIGTERM')
  wire.say({ action: 'leaseLost' })
  assert.deepEqual(await wire.said(), status('leaseLost'))
  assert.equal(wire.child.exitCode, null)
  wire.end()
  assert.deepEqual(await wire.exited, { code: 0, signal: null })
})

test('lives until the end of its input when the lease turns out to be lost after a break', async (t) => {
  const wire = new ChildWire(t, 'breaks-after-storing', 'fds')
  wire.say(initialize)
  await wire.said()
  wire.say(deliver(2))
  assert.deepEqual(await wire.said(), checkpoint(1))
  await wire.printed('left the loop')
  wire.say({ ...checkpoint(1), error: 'ShutdownException' })
  assert.deepEqual(await wire.said(), status('processRecords'))
  // What kept the process until now lets go of it.
  wire.child.stdin?.end()
  await wire.printed('stdin has ended')
  wire.say({ action: 'leaseLost' })
  assert.deepEqual(await wire.said(), status('leaseLost'))
  wire.end()
  assert.deepEqual(await wire.exited, { code: 0, signal: null })
})

test('fails with an exit code when the daemon speaks another protocol', async (t) => {
  const wire = new ChildWire(t, 'stores-each')
  wire.say({ action: 'greet' })
  assert.equal((await wire.exited).code, 1)
  assert.match(wire.stderr, /DaemonProtocolError.*"greet"/)
})

test('closes its output when it is closed between actions, and keeps what is printed out of it', async (t) => {
  const wire = new ChildWire(t, 'closes')
  await wire.exited
  assert.equal(wire.stderr, 'while the session lives\nafter the session\n')
  assert.equal(wire.stdout, '')
})

test('keeps no process alive before a loop starts', async (t) => {
  assert.deepEqual(await new ChildWire(t, 'never-loops').exited, { code: 0, signal: null })
})

test('refuses options that are unknown or of the wrong kind, and says what there is', () => {
  const cases: [unknown, RegExp][] = [
    [null, /object of options/],
    ['x', /object of options/],
    [{ polcy: 1 }, /polcy is not an option\. Did you mean policy\? There are/],
    [{ policy: 60 }, /policy/],
    [{ onInitialize: true }, /onInitialize/],
    [{ abandonAfter: 60_000 }, /abandonAfter.*60000 is not a duration/],
    [{ abandonAfter: { months: 1 } }, /months/],
    [{ checkpointRetry: { attempts: 0 } }, /checkpointRetry\.attempts/],
    [{ checkpointRetry: { delay: 1 } }, /checkpointRetry: delay/],
    [{ logger: {} }, /logger/],
    [{ input: new PassThrough() }, /output/],
    [{ input: 'stdin', output: new PassThrough() }, /input/],
  ]
  for (const [options, names] of cases) {
    assert.throws(
      () => new KclSession(options as KclSessionOptions),
      (error: unknown) => error instanceof UsageError && names.test(error.message),
      String(names),
    )
  }
})

test('refuses a second session on the same streams until the first is closed', async (t) => {
  const { session, input, output } = new Wire(t)
  const options = { input, output, logger: false } as const
  assert.throws(() => new KclSession(options), UsageError)
  await session.close()
  await new KclSession(options).close()
})

test('tells the shard, what is stored, and figures', async (t) => {
  const wire = new Wire(t)
  assert.equal(wire.session.shard, null)
  assert.equal(wire.session.checkpointed, null)
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize('41', 3)
  await wire.said()
  assert.deepEqual(wire.session.shard, { shardId: SHARD, sequenceNumber: '41', subSequenceNumber: 3 })
  assert.deepEqual(wire.session.checkpointed, { sequenceNumber: '41', subSequenceNumber: 3 })
  wire.deliver(records(2, 50), 1234)
  const { value: batch } = await first
  assert.equal(batch?.shardId, SHARD)
  assert.equal(batch?.millisBehindLatest, 1234)
  assert.equal(batch?.records.length, 2)
  void loop.next()
  assert.deepEqual(await wire.said(), status('processRecords'))
  await settle()
  const { lag, checkpointLag, ...counted } = wire.session.stats
  assert.deepEqual(counted, {
    batches: 1,
    records: 2,
    bytes: 18,
    checkpoints: 0,
    retries: 0,
    refusals: 0,
    skipped: 0,
    unstored: 2,
    millisBehindLatest: 1234,
  })
  assert.deepEqual([lag, typeof checkpointLag], [1234, 'number'])
})

test('a status that could not be written is no quiet success, though the input stays open', async () => {
  const input = new PassThrough()
  // The first line is read; then the reader dies.
  let lines = 0
  const output = new Writable({
    write(_text, _encoding, done) {
      lines += 1
      done(lines === 1 ? null : new Error('write EPIPE'))
    },
  })
  const session = new KclSession({ input, output, logger: false })
  const loop = session.batches()
  const first = loop.next()
  input.write(`${JSON.stringify(initialize)}\n${JSON.stringify(deliver(2))}\n`)
  const { value: batch } = await first
  assert.equal(batch?.records.length, 2)
  await assert.rejects(loop.next(), {
    code: 'KCL_CHANNEL_CLOSED',
    message: /closed its end of the pipe before it had our last answer\..*will be delivered again/,
  })
  assert.deepEqual([session.state, session.stats.batches], ['failed', 0])
})

for (const protocol of ['stdio', 'fds'] as const) {
  test(`tells on ${protocol} that the daemon's reader died, and exits with 1, though the input stays open`, async (t) => {
    const wire = new ChildWire(t, 'stores-each', protocol)
    wire.say(initialize)
    await wire.said()
    wire.stopReading()
    wire.say(deliver(2))
    assert.deepEqual(await wire.exited, { code: 1, signal: null })
    assert.match(wire.stderr, /before it had our last answer/)
  })
}

test('console.log shows what is in a session and a batch, and touches neither', async (t) => {
  const wire = new Wire(t)
  assert.match(
    inspect(wire.session),
    /^KclSession \{\n {2}state: 'open',\n {2}shardId: null,\n {2}checkpointed: null/,
  )
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize('41')
  await wire.said()
  wire.deliver(records(2, 50), 1234)
  const { value: batch } = await first
  assert.equal(
    inspect(batch, { breakLength: Number.POSITIVE_INFINITY }),
    `RecordBatch { shardId: '${SHARD}', attempt: 1, records: 2, from: '50', to: '51', millisBehindLatest: 1234 }`,
  )
  assert.match(inspect(wire.session), /checkpointed: \{ sequenceNumber: '41'/)
  await assert.rejects(loop.next(), /nothing of this one was touched/)
})

test('is closed at the end of a scope with await using', async (t) => {
  const wire = new Wire(t)
  {
    await using session = wire.session
    assert.equal(session.state, 'open')
  }
  assert.equal(wire.session.state, 'ended')
})
