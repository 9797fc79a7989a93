// The host as the launcher has it, with children as the daemon has them: shells that hold two real pipes. Only the
// daemon is missing, whose ends of the pipes are ours.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, openSync, type ReadStream, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { shellQuote } from '../../lib/children/command.ts'
import { HostProcess, shimText } from '../../lib/children/host-process.ts'
import { temporaryFolder } from '../helpers/command.ts'
import { records } from '../helpers/wire.ts'

const PROGRAM = fileURLToPath(new URL('../fixtures/host.js', import.meta.url))

test('one process speaks on the pipes of every child, and sends each home when its shard is over', async (t) => {
  const host = await Host.start(t)
  const [one, other] = [await host.begin('shardId-1'), await host.begin('shardId-2')]
  for (const shard of [one, other]) await shard.initialize()
  assert.equal(await other.ask({ action: 'processRecords', records: records(2) }), 'processRecords')
  assert.equal(await one.ask({ action: 'processRecords', records: records(3) }), 'processRecords')
  assert.ok(host.lines.includes('shardId-1: shardId-1 GOT record 3'), host.lines.join('\n'))
  for (const shard of [one, other]) {
    assert.equal(await shard.ask({ action: 'leaseLost' }), 'leaseLost')
    shard.end()
    assert.equal(await shard.exit, 0)
  }
  assert.deepEqual(await host.process.finish(5000), { code: 0, signal: null })
})

test('what is printed is told by its shard, whole or in pieces, in text or in bytes', async (t) => {
  const host = await Host.start(t)
  const shard = await host.begin('shardId-1')
  await shard.initialize()
  await shard.ask({ action: 'processRecords', records: records(1, 7) })
  assert.ok(host.lines.includes('shardId-1: in pieces'), host.lines.join('\n'))
  assert.ok(host.lines.includes('shardId-1: naïve bytes'), host.lines.join('\n'))
  assert.ok(host.lines.includes('null: begun'), host.lines.join('\n'))
})

test('a handler that fails gives up its shard alone; the others go on', async (t) => {
  const host = await Host.start(t)
  const [one, other] = [await host.begin('shardId-1'), await host.begin('shardId-2')]
  for (const shard of [one, other]) await shard.initialize()
  one.say({ action: 'processRecords', records: [{ ...records(1)[0], data: encode('throw') }] })
  assert.equal(await one.exit, 1)
  assert.match((await host.failed('shardId-1')) ?? '', /Error: asked to throw/)
  assert.equal(await other.ask({ action: 'processRecords', records: records(1) }), 'processRecords')
  other.end()
  await other.exit
  assert.equal((await host.process.finish(5000)).code, 1)
})

for (const how of ['stray', 'reject', 'exit', 'kill']) {
  test(`every child ends with the host: ${how}`, async (t) => {
    const host = await Host.start(t)
    const shards = [await host.begin('shardId-1'), await host.begin('shardId-2')]
    for (const shard of shards) await shard.initialize()
    shards[0]?.say({ action: 'processRecords', records: [{ ...records(1)[0], data: encode(how) }] })
    const exit = await host.process.exited
    assert.deepEqual(
      exit,
      how === 'kill' ? { code: null, signal: 'SIGKILL' } : { code: how === 'exit' ? 7 : 1, signal: null },
    )
    assert.deepEqual(await Promise.all(shards.map(({ exit }) => exit)), [1, 1])
    const text = host.lines.join('\n')
    if (how === 'stray')
      assert.match(text, /kcl-session: shardId-1: an exception that nobody caught ends this/)
    if (how === 'reject')
      assert.match(text, /kcl-session: shardId-1: a rejection that nobody handled ends this/)
  })
}

test('a child that is gone before it could be served is told of, and nobody else is sent a signal', async (t) => {
  const host = await Host.start(t)
  const error = new Promise<string>((resolve) =>
    host.process.serve('shardId-9', { pid: 2 ** 22 + 1 }, resolve),
  )
  assert.match(await error, /The pipes of shardId-9 cannot be opened.*ENOENT/s)
})

test('a child that cannot be served is sent home, and a stranger with its pid is left alone', async (t) => {
  const host = await Host.start(t)
  const shard = await host.begin('shardId-1')
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
  t.after(() => stranger.kill('SIGKILL'))
  await once(stranger, 'spawn')
  assert.equal(host.process.sendHome(stranger.pid ?? 0), false)
  assert.equal(host.process.sendHome(shard.pid), true)
  assert.equal(await shard.exit, 1)
  assert.equal(stranger.exitCode ?? stranger.signalCode, null)
})

test('a shard whose pipes cannot be opened for want of descriptors is told of, so that its child can be ended', async (t) => {
  const host = await Host.start(t, ['full'])
  await host.begin('shardId-1')
  assert.match((await host.failed('shardId-1')) ?? '', /The pipes of shardId-1 cannot be opened.*EMFILE/s)
})

test('a child that somebody kills ends its shard, and the host lives on', async (t) => {
  const host = await Host.start(t)
  const [one, other] = [await host.begin('shardId-1'), await host.begin('shardId-2')]
  for (const shard of [one, other]) await shard.initialize()
  one.child.kill('SIGKILL')
  one.end()
  await one.exit
  assert.equal(await other.ask({ action: 'processRecords', records: records(1) }), 'processRecords')
})

test('new KclSession() there names eachShard', async (t) => {
  const host = await Host.start(t, ['plain'])
  await host.process.exited
  assert.match(
    host.lines.join('\n'),
    /UsageError: new KclSession\(\): this process serves all shards .* eachShard/,
  )
})

test('when whoever started it is gone, those at work end with their input', async (t) => {
  const host = await Host.start(t)
  const shard = await host.begin('shardId-1')
  await shard.initialize()
  host.process.release()
  shard.end()
  assert.ok([0, 1].includes(Number(await shard.exit)))
  while (isThere(host.process.pid)) await setTimeout(5)
})

class Host {
  readonly lines: string[] = []
  readonly process: HostProcess
  readonly #t: TestContext
  readonly #folder: string
  readonly #failures = new Map<string, string>()

  static async start(t: TestContext, args: readonly string[] = []): Promise<Host> {
    const lines: string[] = []
    const started = await HostProcess.start({
      words: [process.execPath, PROGRAM, ...args],
      environment: process.env,
      gated: true,
      onLine: (line, shardId) => void lines.push(`${shardId}: ${line}`),
    })
    t.after(() => {
      started.kill('SIGKILL')
      started.release()
    })
    return new Host(t, started, lines)
  }

  private constructor(t: TestContext, started: HostProcess, lines: string[]) {
    this.#t = t
    this.#folder = temporaryFolder(t)
    this.process = started
    this.lines = lines
  }

  async begin(shardId: string): Promise<Shard> {
    const shard = await Shard.start(this.#t, this.#folder, this.process.gate, shardId)
    this.process.serve(shardId, { pid: shard.pid }, (error) => this.#failures.set(shardId, error))
    return shard
  }

  async failed(shardId: string): Promise<string | undefined> {
    while (!this.#failures.has(shardId)) await setTimeout(5)
    return this.#failures.get(shardId)
  }
}

/** The daemon's child of a shard, and its ends of the pipes. */
class Shard {
  readonly child: ChildProcess
  readonly pid: number
  readonly exit: Promise<number | null>
  readonly #shardId: string
  readonly #input: number
  readonly #output: ReadStream
  readonly #lines: string[] = []
  #wake: () => void = () => {}
  #open = true

  static async start(t: TestContext, folder: string, gate: string, shardId: string): Promise<Shard> {
    const [ours, input] = pipe(folder, `${shardId}-in`)
    const [output, theirs] = pipe(folder, `${shardId}-out`)
    const child = spawn('/bin/sh', ['-c', shimText(shellQuote(gate), 'echo ready')], {
      stdio: [input, output, 'pipe'],
    })
    for (const fd of [input, output]) closeSync(fd)
    const shard = new Shard(child, shardId, ours, theirs)
    t.after(() => {
      child.kill('SIGKILL')
      shard.end()
    })
    await once(child.stderr as Readable, 'data')
    return shard
  }

  private constructor(child: ChildProcess, shardId: string, input: number, output: number) {
    this.child = child
    this.pid = child.pid ?? 0
    this.exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    this.#shardId = shardId
    this.#input = input
    this.#output = createReadStream('', { fd: output, encoding: 'utf8' })
    let rest = ''
    this.#output.on('data', (text) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      this.#lines.push(...parts.filter((part) => part !== ''))
      this.#wake()
    })
  }

  initialize(): Promise<string> {
    const start = { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }
    return this.ask({ action: 'initialize', shardId: this.#shardId, ...start })
  }

  say(message: object): void {
    writeSync(this.#input, `${JSON.stringify(message)}\n`)
  }

  /** Resolves to what the status was for; checkpoints are stored on the way. */
  async ask(message: object): Promise<string> {
    this.say(message)
    for (;;) {
      const line = this.#lines.shift()
      if (line === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      const said = JSON.parse(line) as Record<string, unknown>
      if (said.action === 'status') return String(said.responseFor)
      this.say({ ...said, error: null })
    }
  }

  /** The daemon closes its pipe. */
  end(): void {
    if (this.#open) closeSync(this.#input)
    this.#open = false
  }
}

// A pipe of the system's: its writing end and its reading end, in this order. What Node makes for a child is none.
function pipe(folder: string, name: string): [write: number, read: number] {
  const file = join(folder, name)
  execFileSync('mkfifo', [file])
  // Opened for both first, so that neither end waits for the other.
  const both = openSync(file, 'r+')
  const [write, read] = [openSync(file, 'w'), openSync(file, 'r')]
  closeSync(both)
  return [write, read]
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64')
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
