// One running consumer: started in a process group of its own, so that Ctrl-C reaches only us and everything it
// started can be ended with it; its lines, its log, its last words and its end.
// Rule: what a consumer writes is handed on whole line by whole line, and nothing it does throws here.

import { type ChildProcess, spawn } from 'node:child_process'
import { HOST } from '../io/hosted.ts'
import { ADDRESS, TOKEN } from '../report/reporter.ts'
import { type ConsumerProtocol, hasShell, protocolHint, shellScript } from './command.ts'
import { LastWords } from './last-words.ts'
import { LineSplitter, readLines } from './lines.ts'

/** What a consumer does, told to whoever speaks with it. */
export interface ConsumerEvents {
  /** Its process is there. */
  readonly onSpawn?: (pid: number) => void
  /** A line on the protocol's output, as Java would read it. */
  readonly onLine: (line: string) => void
  /** The protocol's output has ended: usually because the process did. */
  readonly onOutputEnd: () => void
  /**
   * A line on standard error (where the protocol has its own descriptors, on standard output too). No more is read
   * while a promise that this returns is pending.
   */
  readonly onLog: (line: string) => unknown
  /** Nobody reads the protocol's input any more. */
  readonly onInputClosed: () => void
}

export interface ConsumerOptions extends ConsumerEvents {
  /** The program and its arguments, checked by `checkCommand` before. */
  readonly words: readonly string[]
  readonly protocol: ConsumerProtocol
  readonly cwd?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Variables of ours, which a consumer around this one must not hand on. */
  readonly ours?: Readonly<Record<string, string>> | undefined
}

/** How a process ended: one of the two is null. A process that never started has the code 127. */
export interface ConsumerExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** In words, where more is known than these. */
  readonly how?: string
}

/** What can be ended: of its input first, and by force where that is not enough. */
export interface Endable {
  /** It has ended; what it started may still hold its pipes. */
  readonly exited: Promise<ConsumerExit>
  /** It has ended and all its pipes are closed. */
  readonly closed: Promise<ConsumerExit>
  /** Ends its input: the daemon's way to say that it is over. */
  endInput(): void
  /** Ends it by force, with everything that it started. */
  kill(signal: NodeJS.Signals): void
  /** Lets go of its pipes, even where something that escaped still holds their other ends. */
  release(): void
}

/** Whoever speaks for one shard: a process of its own, or a part of the one that serves all shards. */
export interface ShardConsumer extends Endable {
  /** The last lines that it wrote, oldest first, at most twenty. */
  readonly lastWords: readonly string[]
  /** Writes one line; the newline is added here. */
  send(line: string): void
  /** What may be the reason that initialize was never acknowledged; `code` is undefined where it has not ended. */
  startHint(code: number | null | undefined): string | undefined
}

/** A consumer's process. */
export class Consumer implements ShardConsumer {
  readonly pid: number | undefined
  readonly exited: Promise<ConsumerExit>
  readonly closed: Promise<ConsumerExit>
  readonly #protocol: ConsumerProtocol
  readonly #child: ChildProcess
  readonly #lastWords = new LastWords()
  #inputEnded = false

  constructor(options: ConsumerOptions) {
    const child = start(options)
    this.#protocol = options.protocol
    this.#child = child
    this.pid = child.pid
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.on('error', (error) => {
        this.#lastWords.keep(error.message)
        resolve({ code: 127, signal: null })
      })
    })
    this.closed = new Promise((resolve) => {
      child.once('close', () => resolve(this.exited))
    })
    this.#readOutput(options)
    this.#readLog(options)
    child.stdin?.on('error', () => {
      if (!this.#inputEnded) options.onInputClosed()
    })
    if (this.pid !== undefined) options.onSpawn?.(this.pid)
  }

  get lastWords(): readonly string[] {
    return this.#lastWords.lines
  }

  startHint(code: number | null | undefined): string | undefined {
    return protocolHint(this.#protocol, code, this.#lastWords.lines)
  }

  send(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  endInput(): void {
    if (this.#inputEnded) return
    this.#inputEnded = true
    this.#child.stdin?.end()
  }

  kill(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return
    try {
      if (process.platform === 'win32') this.#child.kill(signal)
      else process.kill(-this.pid, signal)
    } catch {
      // The group is gone already.
    }
  }

  release(): void {
    for (const stream of this.#child.stdio) stream?.destroy()
    this.#child.unref()
  }

  #readOutput(options: ConsumerOptions): void {
    const lines = new LineSplitter(options.onLine, LONGEST_LINE)
    this.#child.stdout?.on('data', (chunk: Buffer) => lines.push(chunk))
    this.#child.stdout?.once('end', () => {
      lines.end()
      options.onOutputEnd()
    })
    this.#child.stdout?.on('error', () => {})
  }

  #readLog(options: ConsumerOptions): void {
    const keep = (line: string): unknown => {
      this.#lastWords.keep(line)
      return options.onLog(line)
    }
    void readLines(this.#child.stderr, keep, LONGEST_LOG_LINE)
  }
}

function start(options: ConsumerOptions): ChildProcess {
  const place = {
    cwd: options.cwd,
    env: consumerEnvironment(options.env ?? process.env, options.ours),
    detached: process.platform !== 'win32',
    windowsHide: true,
  }
  // One way in where there is a shell, so that a consumer started here and one started by the real daemon
  // go through the same text.
  if (hasShell()) {
    return spawn('/bin/sh', ['-c', shellScript(options.words, options.protocol)], { ...place, stdio: 'pipe' })
  }
  const [program = '', ...rest] = options.words
  return spawn(program, rest, { ...place, stdio: 'pipe' })
}

/**
 * The environment of a consumer, with our own variables. One that is started by a consumer must not take the descriptors
 * of that one for its own.
 */
export function consumerEnvironment(
  env: NodeJS.ProcessEnv,
  ours: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  const {
    KCL_SESSION_FDS,
    KCL_SESSION_PID,
    [ADDRESS]: _address,
    [TOKEN]: _token,
    [HOST]: _host,
    ...rest
  } = env
  return { ...rest, ...ours }
}

const LONGEST_LOG_LINE = 64 * 1024
// A message of a consumer has a few hundred characters; without a bound, one that never ends its line would
// fill the memory.
export const LONGEST_LINE: number = 16 * 1024 * 1024
