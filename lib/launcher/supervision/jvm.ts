// The daemon's process: a session and process group of its own, so that Ctrl-C reaches the launcher alone, and
// so that one kill at the end takes the JVM and every consumer with it.

import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { readLines } from '../../children/lines.ts'
import { setTimeout } from '../../timers.ts'
import { sendSignal } from '../machine/processes.ts'
import type { DaemonStart } from './script.ts'

/** How the JVM ended: one of the two is null. */
export interface JvmExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a daemon is started with. */
export interface JvmOptions {
  readonly start: DaemonStart
  readonly environment: NodeJS.ProcessEnv
  /** A descriptor that the whole group holds as long as it lives. */
  readonly lock: number | undefined
}

/** A running daemon. */
export class Jvm {
  readonly pid: number
  /** The process has ended. */
  readonly exited: Promise<JvmExit>
  readonly #child: ChildProcess
  readonly #drained: Promise<unknown>
  readonly #held = new Set<() => void>()
  #readsOn = false
  #ended = false

  /**
   * Starts it; `onLine` gets every line of standard output and standard error, and no more while a promise that it
   * returned is pending.
   */
  constructor({ start, environment, lock }: JvmOptions, onLine: (line: string) => unknown) {
    const child = spawn('/bin/sh', ['-c', start.script], {
      detached: true,
      env: { ...environment, ...start.environment },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', ...(lock === undefined ? [] : [lock])],
    })
    this.#child = child
    this.pid = child.pid ?? 0
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, signal) => {
        this.#ended = true
        resolve({ code, signal })
      })
    })
    this.#drained = Promise.all(
      [child.stdout, child.stderr].map((stream) =>
        readLines(stream, (line) => this.#hold(onLine(line)), LONGEST_LINE),
      ),
    )
    const watcher = this.#watcher
    watcher?.on('error', () => {})
    child.stdin?.on('error', () => {})
    child.stdin?.end(start.input)
  }

  /** Reads on, whatever becomes of the lines: a daemon that cannot write cannot drain either. */
  readOn(): void {
    this.#readsOn = true
    for (const goOn of this.#held) goOn()
    this.#held.clear()
  }

  #hold(ready: unknown): Promise<void> | undefined {
    if (this.#readsOn || !(ready instanceof Promise)) return undefined
    return new Promise((resolve) => {
      this.#held.add(resolve)
      void ready.then(() => {
        this.#held.delete(resolve)
        resolve()
      })
    })
  }

  /** Sends a signal to the JVM alone, never to the consumers. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#ended) sendSignal(this.pid, signal)
  }

  /** Ends the JVM, its consumers and everything they started, at once. */
  killGroup(): void {
    sendSignal(-this.pid, 'SIGKILL')
  }

  /**
   * Waits until the JVM has ended and everything it wrote was read, then sends the watcher home. What still
   * holds the pipes after a second, a grandchild of a consumer, is not waited for.
   */
  async closed(): Promise<JvmExit> {
    const exit = await this.exited
    const patience = new Promise((resolve) => setTimeout(resolve, DRAIN_TIME).unref())
    await Promise.race([this.#drained, patience])
    this.#watcher?.end('\n')
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
    return exit
  }

  get #watcher(): Writable | null {
    return (this.#child.stdio[3] ?? null) as Writable | null
  }
}

const DRAIN_TIME = 1000
const LONGEST_LINE = 1024 * 1024
