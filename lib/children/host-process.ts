// The one process that serves all shards of a worker: started once, told of each shard on its descriptor 3. Where a
// daemon's children are to wait for it, its descriptor 4 is the gate, a pipe at whose other end they read: they end when
// it ends, however that comes.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { format, readNews, type ShardOrder } from '../host/control.ts'
import { HOST } from '../io/hosted.ts'
import { clearTimeout, setTimeout } from '../timers.ts'
import { protocolFor, shellQuote } from './command.ts'
import type { ConsumerExit, Endable } from './consumer.ts'
import { LastWords } from './last-words.ts'
import { readLines } from './lines.ts'

export interface HostOptions {
  /** The program and its arguments, checked by `checkCommand` before; node itself. */
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Whether children of a daemon are to wait at its gate. */
  readonly gated: boolean
  /** A line that it printed, and the shard in whose name; null where that is not known. No more is read while a promise that this returns is pending. */
  readonly onLine: (line: string, shardId: string | null) => unknown
  /** The program called eachShard. */
  readonly onReady?: () => void
}

/** Where a shard is to be spoken to: the daemon's child of this pid, or a socket. */
export type ShardPlace = { readonly pid: number } | { readonly socket: string }

/** A running host. */
export class HostProcess implements Endable {
  readonly pid: number
  /** The file that the daemon's children are to read, to end with the host; empty without a gate. */
  readonly gate: string
  readonly exited: Promise<ConsumerExit>
  readonly closed: Promise<ConsumerExit>
  readonly #child: ChildProcess
  readonly #control: Socket
  readonly #keeper: Keeper | null
  readonly #failed = new Map<number, (error: string) => void>()
  readonly #lastWords = new LastWords()
  #ids = 0
  #exit: ConsumerExit | undefined
  #ready = false

  /** Starts one. Rejects with what is missing where its gate cannot be made: then a process for each shard has to do. */
  static async start(options: HostOptions): Promise<HostProcess> {
    const keeper = options.gated ? await openKeeper() : null
    try {
      return new HostProcess(options, keeper)
    } finally {
      if (keeper !== null) closeSync(keeper.descriptor)
    }
  }

  private constructor(options: HostOptions, keeper: Keeper | null) {
    this.#keeper = keeper
    this.gate = keeper?.path ?? ''
    const mark = `#kcl-${randomBytes(12).toString('hex')}#`
    const script = `export ${HOST}=3,$$,${mark}; exec ${options.words.map(shellQuote).join(' ')}`
    const child = spawn('/bin/sh', ['-c', script], {
      detached: true,
      env: options.environment,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', keeper?.descriptor ?? 'ignore'],
    })
    this.#child = child
    this.pid = child.pid ?? 0
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.once('error', (error) => {
        this.#lastWords.keep(error.message)
        resolve({ code: 127, signal: null })
      })
    })
    this.closed = new Promise((resolve) => {
      child.once('close', () => resolve(this.exited))
    })
    void this.exited.then((exit) => {
      this.#exit = exit
    })
    for (const stream of [child.stdout, child.stderr]) {
      void readLines(stream, (line) => this.#read(line, mark, options), LONGEST_LINE)
    }
    this.#control = child.stdio[3] as Socket
    void readLines(this.#control, (line) => this.#hear(line, options), LONGEST_LINE)
  }

  /** How it ended, once it has. */
  get exit(): ConsumerExit | undefined {
    return this.#exit
  }

  /** Whether the program called eachShard. */
  get ready(): boolean {
    return this.#ready
  }

  /** The last lines that it printed, oldest first, at most twenty. */
  get lastWords(): readonly string[] {
    return this.#lastWords.lines
  }

  /** Has it serve a shard; `onFailed` is told what its handler threw, or why it could not be served. */
  serve(shard: string, place: ShardPlace, onFailed: (error: string) => void): void {
    const id = this.#ids++
    this.#failed.set(id, onFailed)
    const order: ShardOrder = { id, shard, ...place }
    if (this.#control.writable) this.#control.write(format(order))
  }

  /** Ends a child of the daemon that waits at the gate and cannot be served; false where that pid is somebody else's by now. */
  sendHome(pid: number): boolean {
    try {
      const [gate, input] = [statSync(this.gate), statSync(`/proc/${pid}/fd/0`)]
      return gate.ino === input.ino && gate.dev === input.dev && process.kill(pid, 'SIGUSR2')
    } catch {
      return false
    }
  }

  /** There will be no more shards. */
  endInput(): void {
    if (this.#control.writable) this.#control.write(format({ over: true }))
  }

  /** The same, with `patience` milliseconds to end by itself; then what is left is killed. */
  async finish(patience: number): Promise<ConsumerExit> {
    this.endInput()
    const late = setTimeout(() => this.kill('SIGKILL'), patience)
    const exit = await this.exited
    clearTimeout(late)
    this.kill('SIGKILL')
    this.#keeper?.close()
    this.#control.destroy()
    return exit
  }

  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch {
      // The group is gone already.
    }
  }

  release(): void {
    for (const stream of this.#child.stdio) stream?.destroy()
    this.#keeper?.close()
    this.#child.unref()
  }

  #read(text: string, mark: string, options: HostOptions): unknown {
    const isMarked = text.startsWith(mark)
    const space = isMarked ? text.indexOf(' ') : -1
    const shardId = isMarked ? text.slice(mark.length, space) : null
    const line = isMarked ? text.slice(space + 1) : text
    this.#lastWords.keep(line)
    return options.onLine(line, shardId)
  }

  #hear(line: string, options: HostOptions): void {
    const news = readNews(line)
    if (news === null) return
    if ('ready' in news) {
      this.#ready = true
      options.onReady?.()
    } else this.#failed.get(news.failed)?.(news.error)
  }
}

/**
 * Why a command cannot serve all shards in one process on this machine; null where it can. Tried, by making a gate: no
 * /proc, no readable /bin/sh, a limit on descriptors.
 */
export async function whyNotShared(words: readonly string[]): Promise<string | null> {
  const problem = protocolFor(words) === 'fds' ? null : `the command is ${words[0]}, and not node itself`
  return problem ?? (await whyNoGate())
}

/** The same, of this machine alone. */
export async function whyNoGate(): Promise<string | null> {
  try {
    const keeper = await openKeeper()
    closeSync(keeper.descriptor)
    keeper.close()
    return null
  } catch (error) {
    return `a pipe cannot be opened under /proc: ${error instanceof Error ? error.message : String(error)}`
  }
}

/**
 * The text of a daemon's child for `/bin/sh`, which becomes it without a fork: it holds the daemon's two pipes on 3 and
 * 4, says so with `announce`, and waits at the gate, a word for sh. It ends in peace when the host sends it home by SIGUSR1, and with 1
 * by SIGUSR2, where a handler failed, and when the host is gone. A process group's signals are not for it.
 */
export function shimText(gate: string, announce: string): string {
  // What moves descriptor 0 aside would leave the gate there, where the pipe is looked for: hence 3 and 4.
  return `trap 'exit 0' USR1; trap 'exit 1' USR2; trap '' TERM INT HUP; exec 3<&0 4>&1 <${gate} >&2; ${announce}; read _; exit 1`
}

interface Keeper {
  readonly path: string
  /** The gate's writing end, for the host to inherit. */
  readonly descriptor: number
  close(): void
}

// A real pipe without a file: Node itself makes socket pairs only, which cannot be opened under /proc; a pipeline of sh
// makes one. Its inner sh holds the reading end, and ends with us.
async function openKeeper(): Promise<Keeper> {
  const keeper = spawn('/bin/sh', ['-c', KEEPER], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const channel = keeper.stdio[3] as Socket
  channel.on('error', () => {})
  try {
    const pid = await new Promise<number>((resolve, reject) => {
      channel.once('data', (chunk: Buffer) => resolve(Number(String(chunk))))
      keeper.once('error', reject)
      keeper.once('exit', (code, signal) =>
        reject(new Error(`a shell ended with ${signal ?? `code ${code}`}`)),
      )
    })
    channel.unref()
    keeper.unref()
    const path = `/proc/${pid}/fd/4`
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
    return { path, descriptor, close: () => void channel.destroy() }
  } catch (error) {
    channel.destroy()
    throw error
  }
}

const KEEPER = `: | exec /bin/sh -c 'exec 4<&0; echo $$ >&3; read _ <&3'`
const LONGEST_LINE = 64 * 1024
