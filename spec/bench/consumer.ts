// A consumer under pipes, started as `kcl-session run` starts one, and the daemon's half of its conversation.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { shellScript } from '../../lib/children/command.ts'
import { INITIALIZE, LockStep } from './lock-step.ts'
import { peakMemoryOf, privateMemoryOf, processorTimeOf, proportionalMemoryOf } from './process-figures.ts'
import type { Style } from './styles.ts'

/** One process of a style. */
export class Consumer {
  readonly #style: Style
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #talk: LockStep
  #stderr = ''

  private constructor(style: Style) {
    const script = shellScript(style.command, style.protocol ?? 'stdio')
    this.#style = style
    this.#child = spawn('/bin/sh', ['-c', script], {
      stdio: 'pipe',
      env: { ...process.env, ...style.environment },
    })
    this.#talk = new LockStep((bytes) => void this.#child.stdin.write(bytes))
    this.#child.stdin.on('error', () => {})
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#talk.hear(text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.on('error', (error) => this.#talk.fail(error))
    this.#child.on('close', () =>
      this.#talk.fail(new Error(`${style.name} ended before its status: ${this.#stderr}`)),
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
    return this.#talk.perform(action)
  }

  /** Ends the input and the process with it. Throws where it did not see what it was sent. */
  async end(sent?: { records: number; bytes: number }): Promise<void> {
    this.#talk.rest()
    this.#child.stdin.end()
    await once(this.#child, 'close')
    if (sent === undefined || this.#stderr.includes(`${sent.records} records, ${sent.bytes} bytes`)) return
    throw new Error(
      `${this.#style.name} was sent ${sent.records} records, ${sent.bytes} bytes, and says: ${this.#stderr}`,
    )
  }

  /** The processor time of all its threads so far, in milliseconds. */
  processorTime(): number | null {
    return processorTimeOf(this.#child.pid)
  }

  /** Memory that is this process's alone, in MiB. */
  privateMemory(): number | null {
    return privateMemoryOf(this.#child.pid)
  }

  /** Its proportional set size, in MiB. */
  memory(): number | null {
    return proportionalMemoryOf(this.#child.pid)
  }

  /** The most memory that it ever had, shared libraries included, in MiB. */
  peakMemory(): number | null {
    return peakMemoryOf(this.#child.pid)
  }
}
