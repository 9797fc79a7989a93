import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { ReportHub, type ShardReport } from '../../lib/children/hub.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { startFixture } from '../helpers/child.ts'
import { snapshotOf } from '../helpers/snapshot.ts'

const FACTS = { rss: 1, cpuMs: 2, busy: 0.5 }

test('hands on what a consumer says of its shard, whatever the pieces it comes in', async (t) => {
  const { hub, next, dial } = await open(t)
  const socket = dial()
  const text = lines(hello(hub), report('shardId-1'), report('shardId-1', { lagMs: 7 }))
  for (const byte of Buffer.from(text)) socket.write(Buffer.of(byte))
  assert.equal((await next('reported')).shard, 'shardId-1')
  const { pid, snapshot, process: facts } = await next('reported')
  assert.deepEqual([pid, snapshot.lagMs, facts], [4711, 7, FACTS])
})

test('a consumer that has not been given a shard yet is known by its pid alone', async (t) => {
  const { hub, next, dial, greeted } = await open(t)
  dial().write(lines(hello(hub), report(null), report('shardId-1')))
  assert.equal((await next('reported')).shard, 'shardId-1')
  assert.deepEqual(greeted, [4711])
})

test('several shards report over one connection, and each ends by itself', async (t) => {
  const { hub, next, dial } = await open(t)
  const socket = dial()
  socket.write(lines(hello(hub), report('a', {}, 0), report('b', {}, 1), report('a', { state: 'ended' }, 0)))
  assert.deepEqual([(await next('reported')).shard, (await next('reported')).shard], ['a', 'b'])
  assert.equal((await next('left')).shard, 'a')
  socket.destroy()
  assert.equal((await next('left')).shard, 'b')
})

test('the end of a connection is the end of its consumer, kill -9 or not', async (t) => {
  const { hub, next } = await open(t)
  const consumer = startFixture(t, import.meta.url, '../report/fixtures/reporting.js', ['1'], hub.environment)
  assert.equal((await next('reported')).pid, consumer.process.pid)
  consumer.process.kill('SIGKILL')
  const { shard, pid } = await next('left')
  assert.deepEqual([shard, pid], ['shardId-0', consumer.process.pid])
})

test('what a consumer starts is not told where to report', async (t) => {
  const { hub, next } = await open(t)
  const consumer = startFixture(t, import.meta.url, '../report/fixtures/reporting.js', ['1'], hub.environment)
  await next('reported')
  consumer.process.stdin?.end('go\n')
  assert.equal(await consumer.line(), 'told')
})

describe('a connection is closed, and nothing handed on,', () => {
  const cases: readonly [why: string, (hub: ReportHub) => string | Buffer][] = [
    ['with the wrong token', () => lines({ ...hello(), token: 'guessed' }, report('a'))],
    ['with a token of another length', () => lines({ ...hello(), token: '' }, report('a'))],
    ['without a hello', () => lines(report('a'))],
    ['with a hello of another version', (hub) => lines({ ...hello(hub), v: 2 }, report('a'))],
    ['for a line above 64 KiB', (hub) => lines(hello(hub), { ...report('a'), more: 'x'.repeat(65536) })],
    ['for a line that never ends', (hub) => lines(hello(hub)) + 'x'.repeat(70_000)],
    ['for what is no JSON', (hub) => `${lines(hello(hub))}what?\n`],
    ['for what is no report', (hub) => lines(hello(hub), [])],
    ['for a shard with an impossible name', (hub) => lines(hello(hub), report('a"} 1\nb'))],
    ['for bytes that are no text', () => Buffer.from([0xff, 0x00, 0x0a])],
  ]
  for (const [why, text] of cases) {
    test(why, async (t) => {
      const { hub, seen, dial } = await open(t)
      const socket = dial()
      socket.write(text(hub))
      await once(socket, 'close')
      assert.deepEqual(seen, [])
    })
  }

  test('when no hello comes in two seconds', async (t) => {
    const { hub, dial, clock, next } = await open(t)
    const socket = dial()
    await once(socket, 'connect')
    // Connections are taken up in their order.
    dial().write(lines(hello(hub), report('a')))
    await next('reported')
    clock.advance(2000)
    await once(socket, 'close')
  })
})

test('figures that are none are left out, so that nothing odd reaches those who show them', async (t) => {
  const { hub, next, dial } = await open(t)
  const odd = {
    lagMs: '7',
    behindMs: -1,
    unstored: null,
    lastError: 'x'.repeat(999),
    counts: { records: {} },
  }
  dial().write(lines(hello(hub), { session: 0, snapshot: { ...snapshotOf({ shard: 'a' }), ...odd } }))
  const { snapshot, process: facts } = await next('reported')
  assert.deepEqual(
    [snapshot.lagMs, snapshot.behindMs, snapshot.unstored, snapshot.lastError?.length],
    [null, null, 0, 300],
  )
  assert.equal(snapshot.counts.records, 0)
  assert.deepEqual(facts, { rss: 0, cpuMs: 0, busy: 0 })
})

test('leaves nothing open when it is closed', async () => {
  const hub = await ReportHub.open({ reported() {}, left() {} })
  const { KCL_SESSION_REPORT: address = '' } = hub.environment
  await hub.close()
  const socket = connect({ path: address.replace(/^@/, '\0') })
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  assert.match(error.code ?? '', /ECONNREFUSED|ENOENT/)
})

interface Opened {
  readonly hub: ReportHub
  readonly clock: ManualClock
  readonly seen: string[]
  readonly greeted: number[]
  dial(): Socket
  next(event: 'reported' | 'left'): Promise<ShardReport>
}

async function open(t: TestContext): Promise<Opened> {
  const clock = new ManualClock()
  const events = new EventEmitter()
  const waiting: Record<string, ShardReport[]> = { reported: [], left: [] }
  const [seen, greeted]: [string[], number[]] = [[], []]
  const note =
    (event: string) =>
    (report: ShardReport): void => {
      seen.push(`${event} ${report.shard}`)
      waiting[event]?.push(report)
      events.emit(event)
    }
  const hub = await ReportHub.open(
    { reported: note('reported'), left: note('left'), greeted: (pid) => greeted.push(pid) },
    clock,
  )
  t.after(() => hub.close())
  return {
    hub,
    clock,
    seen,
    greeted,
    dial() {
      const { KCL_SESSION_REPORT: address = '' } = hub.environment
      const socket = connect({ path: address.replace(/^@/, '\0') }).resume()
      // Being closed in mid-write is what most of these tests are about.
      socket.on('error', () => {})
      t.after(() => socket.destroy())
      return socket
    },
    async next(event) {
      while (waiting[event]?.length === 0) await once(events, event)
      return waiting[event]?.shift() as ShardReport
    },
  }
}

function hello(hub?: ReportHub): Record<string, unknown> {
  const token = hub?.environment.KCL_SESSION_REPORT_TOKEN ?? ''
  return { v: 1, token, pid: 4711, version: '1.0.0', node: 'v20' }
}

function report(shard: string | null, parts = {}, session = 0): object {
  return { session, snapshot: snapshotOf({ shard, ...parts }), process: FACTS }
}

function lines(...messages: unknown[]): string {
  return messages.map((message) => `${JSON.stringify(message)}\n`).join('')
}
