import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { Reporter, reportTo } from '../../lib/report/reporter.ts'
import { startFixture } from '../helpers/child.ts'
import { snapshotOf } from '../helpers/snapshot.ts'

test('says hello, and how every session is, as soon as there is a connection', async (t) => {
  const far = await farSide(t)
  const reporter = new Reporter({ address: far.address, token: 'secret', version: '1.2.3' })
  const one = reporter.add(() => snapshotOf({ shard: 'a' }))
  const other = reporter.add(() => snapshotOf({ shard: 'b' }))
  t.after(() => [one, other].forEach((each) => each.end()))
  const { v, token, version, pid } = await far.message()
  assert.deepEqual([v, token, version, pid], [1, 'secret', '1.2.3', process.pid])
  const told = [await far.message(), await far.message()]
  assert.deepEqual(
    told.map(({ session, snapshot }) => [session, snapshot.shard]),
    [
      [0, 'a'],
      [1, 'b'],
    ],
  )
})

test('tells a change at once, ten times in a row and then no more until the next second', async (t) => {
  const far = await farSide(t)
  let step = 0
  const session = new Reporter({ ...far, token: '', version: '' }).add(() => snapshotOf({ progressMs: step }))
  t.after(() => session.end())
  await far.message()
  await far.message()
  for (step = 1; step <= 30; step += 1) session.changed()
  const told: number[] = []
  for (let last = 0; last < 31; told.push(last)) last = (await far.message()).snapshot.progressMs
  assert.deepEqual(told, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 31])
})

test('tells the last state of a session, and goes with the last one', async (t) => {
  const far = await farSide(t)
  const reporter = new Reporter({ ...far, token: '', version: '' })
  let state: 'open' | 'ended' = 'open'
  const one = reporter.add(() => snapshotOf({ shard: 'a', state }))
  const other = reporter.add(() => snapshotOf({ shard: 'b', state }))
  const before = [await far.message(), await far.message(), await far.message()]
  assert.equal(before.length, 3)
  state = 'ended'
  one.end()
  const last = await far.message()
  assert.deepEqual([last.snapshot.shard, last.snapshot.state], ['a', 'ended'])
  other.end()
  assert.equal((await far.message()).snapshot.shard, 'b')
  await far.gone()
})

test('comes back when the other side was away', async (t) => {
  const far = await farSide(t)
  const session = new Reporter({ ...far, token: 'again', version: '' }).add(() => snapshotOf())
  t.after(() => session.end())
  await far.message()
  await far.restart()
  assert.equal((await far.message()).token, 'again')
})

test('a snapshot that cannot be made ends the reports, and nothing else', async (t) => {
  const far = await farSide(t)
  const session = new Reporter({ ...far, token: '', version: '' }).add(() => {
    throw new Error('no snapshot')
  })
  assert.equal((await far.message()).v, 1)
  await far.gone()
  session.changed()
  session.end()
})

test('nobody to report to: no variable, no reports', () => {
  assert.equal(
    reportTo({}, () => snapshotOf()),
    undefined,
  )
  assert.equal(
    reportTo({ KCL_SESSION_REPORT: '@name' }, () => snapshotOf()),
    undefined,
  )
})

for (const address of ['@kcl-session/nobody', '/nowhere/at/all', `/${'x'.repeat(300)}`, '@', '\0']) {
  test(`a process that finds nobody at ${JSON.stringify(address.slice(0, 20))} ends as if nothing were`, async (t) => {
    const environment = { KCL_SESSION_REPORT: address, KCL_SESSION_REPORT_TOKEN: 'token' }
    // A NUL cannot be in an environment.
    if (address === '\0') return assert.doesNotThrow(() => new Reporter({ address, token: '', version: '' }))
    const consumer = startFixture(t, import.meta.url, 'fixtures/reporting.js', ['2'], environment)
    consumer.process.stdin?.end('go\n')
    assert.equal(await consumer.line(), 'told')
    assert.deepEqual(await consumer.exited, [0, null])
  })
}

test('a process ends though the launcher was stopped and 500 snapshots could not be sent', {
  timeout: 30_000,
}, async (t) => {
  const hub = startFixture(t, import.meta.url, 'fixtures/hub.js')
  const environment = JSON.parse(await hub.line()) as Record<string, string>
  const consumer = startFixture(t, import.meta.url, 'fixtures/reporting.js', ['50'], environment)
  assert.equal(await hub.line(), `hello ${consumer.process.pid}`)
  hub.process.kill('SIGSTOP')
  consumer.process.stdin?.end('go\n')
  assert.equal(await consumer.line(), 'told')
  assert.deepEqual(await consumer.exited, [0, null])
})

// What a reporter talks to, line by line.
interface FarSide {
  readonly address: string
  // biome-ignore lint/suspicious/noExplicitAny: it is the text on the wire that is looked at
  message(): Promise<any>
  /** Drops the connection, and takes the next one. */
  restart(): Promise<void>
  gone(): Promise<unknown>
}

async function farSide(t: TestContext): Promise<FarSide> {
  const name = `kcl-session-spec-${randomBytes(6).toString('hex')}`
  const linux = process.platform === 'linux'
  const path = linux ? `\0${name}` : join(tmpdir(), name)
  const server: Server = createServer()
  server.listen(path)
  await once(server, 'listening')
  let socket: Socket | undefined
  t.after(() => {
    socket?.destroy()
    server.close()
  })
  const accept = async (): Promise<AsyncIterator<string>> => {
    ;[socket] = (await once(server, 'connection')) as [Socket]
    return createInterface({ input: socket })[Symbol.asyncIterator]()
  }
  let lines = accept()
  return {
    address: linux ? `@${name}` : path,
    message: async () => JSON.parse((await (await lines).next()).value),
    async restart() {
      socket?.destroy()
      lines = accept()
    },
    gone: async () => socket?.closed === true || once(socket as Socket, 'close'),
  }
}
