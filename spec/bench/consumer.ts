// A consumer under pipes, and the daemon's half of its conversation, in lock-step: one action, then its status. What
// the machine says about the process is read from /proc, and is null where there is none.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { line } from './shapes.ts'
import type { Style } from './styles.ts'

const INITIALIZE = line({
  action: 'initialize',
  shardId: 'shardId-000000000000',
  sequenceNumber: 'TRIM_HORIZON',
  subSequenceNumber: 0,
})

/** One process of a style. */
export class Consumer {
  readonly #style: Style
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  #half = ''
  #stderr = ''
  #waiting: { resolve: () => void; reject: (error: Error) => void } | null = null

  private constructor(style: Style) {
    const [command = '', ...args] = style.command
    this.#style = style
    this.#child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...style.environment } })
    this.#child.stdin.on('error', () => {})
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.on('error', (error) => this.#waiting?.reject(error))
    this.#child.on('close', () =>
      this.#waiting?.reject(new Error(`${style.name} ended before its status: ${this.#stderr}`)),
    )
  }

  /** Starts a consumer; resolves at its first status. */
  static async start(style: Style): Promise<Consumer> {
    const consumer = new Consumer(style)
    await consumer.perform(INITIALIZE)
    return consumer
  }

  /** Sends an action; resolves at its status. */
  perform(action: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#child.stdin.write(action)
    })
  }

  /** Ends the input and the process with it. Throws where it did not see what it was sent. */
  async end(sent?: { records: number; bytes: number }): Promise<void> {
    this.#waiting = null
    this.#child.stdin.end()
    await once(this.#child, 'close')
    if (sent === undefined || this.#stderr.includes(`${sent.records} records, ${sent.bytes} bytes`)) return
    throw new Error(
      `${this.#style.name} was sent ${sent.records} records, ${sent.bytes} bytes, and says: ${this.#stderr}`,
    )
  }

  /** The processor time of all its threads so far, in milliseconds. */
  processorTime(): number | null {
    const threads = `/proc/${this.#child.pid}/task`
    try {
      return readdirSync(threads)
        .map((thread) => Number(readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
        .reduce((sum, time) => sum + time, 0)
    } catch {
      return null
    }
  }

  /** Memory that is this process's alone, in MiB. */
  privateMemory(): number | null {
    return this.#memory('smaps_rollup', /^Private_\w+: +(\d+) kB$/gm)
  }

  /** The most memory that it ever had, shared libraries included, in MiB. */
  peakMemory(): number | null {
    return this.#memory('status', /^VmHWM:\s+(\d+) kB$/gm)
  }

  #memory(file: string, fields: RegExp): number | null {
    try {
      const text = readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8')
      return [...text.matchAll(fields)].reduce((sum, [, kib]) => sum + Number(kib) / 1024, 0)
    } catch {
      return null
    }
  }

  #hear(text: string): void {
    const lines = (this.#half + text).split('\n')
    this.#half = lines.pop() ?? ''
    for (const said of lines) {
      if (said === '') continue
      const { action, responseFor, ...position } = JSON.parse(said) as Record<string, unknown>
      if (action === 'checkpoint') this.#child.stdin.write(line({ action, ...position, error: null }))
      else this.#waiting?.resolve()
    }
  }
}
