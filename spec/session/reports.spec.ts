import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { ReportHub, type ShardReport } from '../../lib/children/hub.ts'
import { ChildWire } from '../helpers/child-wire.ts'
import { records, SHARD } from '../helpers/wire.ts'

test('a batch is known before a body that blocks the event loop gets it', async (t) => {
  const hub = await open(t)
  const wire = new ChildWire(t, 'blocks', 'stdio', hub.environment)
  wire.say(INITIALIZE)
  await wire.said()
  wire.say({ action: 'processRecords', records: records(7), millisBehindLatest: 0 })
  const { snapshot, pid, version } = await hub.until(({ snapshot: { batch } }) => batch !== null)
  assert.match(version, /^\d+\.\d+\.\d+/)
  assert.deepEqual(
    [pid, snapshot.action, snapshot.batch],
    [wire.child.pid, 'processRecords', { size: 7, finished: 0, attempt: 1 }],
  )
  wire.child.kill('SIGKILL')
  assert.equal((await hub.left()).shard, SHARD)
})

test('tells refusals at once, and its last state', async (t) => {
  const hub = await open(t)
  const wire = new ChildWire(t, 'stores-each', 'stdio', hub.environment)
  wire.say(INITIALIZE)
  await wire.said()
  wire.say({ action: 'processRecords', records: records(1), millisBehindLatest: 0 })
  const asked = await wire.said()
  wire.say({ ...asked, error: 'IllegalArgumentException' })
  const { snapshot } = await hub.until(
    ({ snapshot: { counts } }) => 'IllegalArgumentException' in counts.refusals,
  )
  assert.match(snapshot.lastError ?? '', /^IllegalArgumentException at 1$/)
  wire.end()
  await hub.left()
})

test('a shard that is idle is not told to be at work on its empty batches', async (t) => {
  const hub = await open(t)
  const wire = new ChildWire(t, 'stores-each', 'stdio', hub.environment)
  wire.say(INITIALIZE)
  await wire.said()
  for (let batch = 1; batch <= 10; batch += 1) {
    wire.say({ action: 'processRecords', records: [], millisBehindLatest: 0 })
    await wire.said()
  }
  wire.end()
  await hub.left()
  const busy = hub.until(({ snapshot: { action } }) => action === 'processRecords').then(() => 'at work')
  assert.equal(await Promise.race([busy, new Promise((resolve) => setImmediate(resolve, 'idle'))]), 'idle')
})

test('a batch that is finished is told of while its checkpoint waits for an answer', async (t) => {
  const hub = await open(t)
  const wire = new ChildWire(t, 'stores-each', 'stdio', hub.environment)
  wire.say(INITIALIZE)
  await wire.said()
  wire.say({ action: 'processRecords', records: records(1), millisBehindLatest: 0 })
  const asked = await wire.said()
  // Known by a snapshot of the clock's, well after the loop has asked for the next batch.
  const { snapshot } = await hub.until(
    ({ snapshot: { actionMs, batch } }) => Number(actionMs) > 500 && batch !== null,
  )
  assert.deepEqual(
    [snapshot.action, snapshot.batch],
    ['processRecords', { size: 1, finished: 1, attempt: 1 }],
  )
  wire.say({ ...asked, error: null })
  await hub.until(({ snapshot: { batch } }) => batch === null)
  wire.end()
  await hub.left()
})

for (const protocol of ['stdio', 'fds'] as const) {
  test(`what is said to the daemon on ${protocol} is the same byte for byte, reports or not`, async (t) => {
    const hub = await open(t)
    const said: string[] = []
    for (const environment of [{}, hub.environment]) {
      const wire = new ChildWire(t, 'stores-each', protocol, environment)
      const lines: unknown[] = []
      wire.say(INITIALIZE)
      lines.push(await wire.said())
      for (let batch = 0; batch < 10; batch += 1) {
        wire.say({ action: 'processRecords', records: records(2, 1 + 2 * batch), millisBehindLatest: 0 })
        for (let answer = await wire.said(); ; answer = await wire.said()) {
          lines.push(answer)
          if (answer?.action !== 'checkpoint') break
          wire.say({ ...answer, error: null })
        }
      }
      wire.end()
      assert.deepEqual((await wire.exited).code, 0)
      said.push(JSON.stringify(lines))
    }
    assert.equal(said[1], said[0])
    const { counts, histograms } = (await hub.left()).snapshot
    assert.equal(counts.records, 20)
    const latencies = histograms.latency.slice(0, -1).reduce((sum, count) => sum + count, 0)
    assert.equal(latencies, 20, 'the latency of every record is counted')
  })
}

const INITIALIZE = {
  action: 'initialize',
  shardId: SHARD,
  sequenceNumber: 'TRIM_HORIZON',
  subSequenceNumber: 0,
}

interface Listening {
  readonly environment: Readonly<Record<string, string>>
  until(holds: (report: ShardReport) => boolean): Promise<ShardReport>
  left(): Promise<ShardReport>
}

async function open(t: TestContext): Promise<Listening> {
  const events = new EventEmitter()
  const reports: ShardReport[] = []
  const gone: ShardReport[] = []
  const hub = await ReportHub.open({
    reported(report) {
      reports.push(report)
      events.emit('news')
    },
    left(report) {
      gone.push(report)
      events.emit('news')
    },
  })
  t.after(() => hub.close())
  return {
    environment: hub.environment,
    async until(holds) {
      for (;;) {
        const found = reports.find(holds)
        if (found !== undefined) return found
        await once(events, 'news')
      }
    },
    async left() {
      while (gone.length === 0) await once(events, 'news')
      return gone[0] as ShardReport
    },
  }
}
