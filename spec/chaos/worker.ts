// A worker of the application: `kcl-session run` as an orchestrator keeps it, started again when it has ended. Its log
// goes into the run's folder, each line with its time.

import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LineSplitter } from '../../lib/children/lines.ts'
import { now } from './evidence.ts'
import { commandOf, descendantsOf } from './processes.ts'
import type { Variant } from './variants.ts'

/** How workers of a run are started. */
export interface WorkerSetting {
  readonly folder: string
  readonly variant: Variant
  /** Let the launcher start its daemon again, instead of starting the launcher again. */
  readonly restart: boolean
}

/** A line that a launcher printed. */
export interface Line {
  readonly at: number
  readonly text: string
}

export class Worker {
  readonly name: string
  readonly lines: Line[] = []
  /** How long it takes until it is started again. */
  delay = 1000
  /** The longest time from a start to its first consumer, in milliseconds: what a start takes on this machine now. */
  slowestStart = 0
  #startedAt: number | undefined
  readonly #setting: WorkerSetting
  readonly #log: number
  #child: ChildProcess | undefined
  #exited: Promise<void> = Promise.resolve()
  #wanted = false

  constructor(name: string, setting: WorkerSetting) {
    this.name = name
    this.#setting = setting
    this.#log = openSync(join(setting.folder, `worker-${name}.log`), 'a')
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** The name under which it has leases. */
  get identifier(): string | undefined {
    return this.lines
      .map(({ text }) => / as worker (\S+)/.exec(text)?.[1])
      .findLast((name) => name !== undefined)
  }

  /** The pid of the daemon, while it is there. */
  get jvm(): number | undefined {
    const isDaemon = (pid: number): boolean => {
      const [program = '', ...words] = commandOf(pid)
      return program.endsWith('java') && words.some((word) => word.endsWith('.MultiLangDaemon'))
    }
    return this.pid === undefined ? undefined : descendantsOf(this.pid).find(isDaemon)
  }

  /** The pids of its consumers; with `--shared` that of the one process that serves all shards, while it has any. */
  get consumers(): number[] {
    const { pid: launcher, jvm } = this
    if (launcher === undefined || jvm === undefined || descendantsOf(jvm).length === 0) return []
    return descendantsOf(launcher).filter((pid) => {
      const [program, script] = commandOf(pid)
      return program === process.execPath && script === CONSUMER
    })
  }

  /** Starts it, and again whenever it ends. */
  up(): void {
    if (this.#wanted) return
    this.#wanted = true
    this.#start()
  }

  /** Stops it in good order; a launcher that does not stop within its time and some more is killed, and says so. */
  async down(): Promise<void> {
    this.#wanted = false
    if (this.#child === undefined) return
    this.#child.kill('SIGTERM')
    const stopped = await Promise.race([
      this.#exited.then(() => true),
      pause(LONGEST_STOP, false, { ref: false }),
    ])
    if (stopped) return
    this.#write('! it did not stop, and is killed')
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** Sends the launcher a signal that ends it, and waits until it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const exited = this.#exited
    this.#child?.kill(signal)
    await exited
  }

  #start(): void {
    const { folder, variant, restart } = this.#setting
    const words = [
      'run',
      `--config=${join(folder, 'app.properties')}`,
      ...(restart ? ['--restart'] : []),
      ...(variant === 'host' ? ['--shared'] : []),
    ]
    const child = spawn(process.execPath, [MAIN, ...words, '--', process.execPath, CONSUMER], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CHAOS_FOLDER: folder, CHAOS_VARIANT: variant, CHAOS_WORKER: this.name },
    })
    this.#child = child
    this.#startedAt = now()
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new LineSplitter((text) => this.#write(text))
      stream.on('data', (chunk: Buffer) => lines.push(chunk))
    }
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#child = undefined
        this.#write(`- the launcher has ended: ${signal ?? `exit code ${code}`}`)
        resolve()
        void this.#startAgain()
      })
    })
  }

  async #startAgain(): Promise<void> {
    await pause(this.delay)
    if (this.#wanted && this.#child === undefined) this.#start()
  }

  #write(text: string): void {
    const at = now()
    if (this.#startedAt !== undefined && / consumer \d+ started/.test(text)) {
      this.slowestStart = Math.max(this.slowestStart, (at - this.#startedAt) / 1000)
      this.#startedAt = undefined
    }
    this.lines.push({ at, text })
    writeSync(this.#log, `${at} ${text}\n`)
  }
}

const MAIN = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))
const CONSUMER = fileURLToPath(new URL('consumer.js', import.meta.url))
const LONGEST_STOP = 45_000
