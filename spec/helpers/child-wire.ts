// The daemon's end of the pipes to a consumer that runs as a process of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Said } from './wire.ts'

/** A fixture of spec/fixtures under pipes: stdin and stdout, or with `fds` descriptors 3 and 4. Killed when the test ends. */
export class ChildWire {
  readonly child: ChildProcess
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** The protocol's output has ended. */
  readonly outputEnded: Promise<unknown>
  stdout = ''
  stderr = ''
  readonly #input: Writable
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface
  readonly #output: Readable

  constructor(
    t: TestContext,
    fixture: string,
    protocol: 'stdio' | 'fds' = 'stdio',
    environment: NodeJS.ProcessEnv = {},
  ) {
    const file = fileURLToPath(new URL(`../fixtures/${fixture}.js`, import.meta.url))
    // The shell stays the same process, so that $$ is the consumer's own pid.
    const script =
      protocol === 'fds' ? 'export KCL_SESSION_FDS=3,4 KCL_SESSION_PID=$$; exec "$@"' : 'exec "$@"'
    this.child = spawn('/bin/sh', ['-c', script, 'sh', process.execPath, '--enable-source-maps', file], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
    const [stdin, stdout, stderr, third, fourth] = this.child.stdio as [
      Writable,
      Readable,
      Readable,
      Writable,
      Readable,
    ]
    const output = protocol === 'fds' ? fourth : stdout
    this.#input = protocol === 'fds' ? third : stdin
    this.#input.on('error', () => {})
    this.#output = output
    this.#reader = createInterface({ input: output })
    this.#lines = this.#reader[Symbol.asyncIterator]()
    this.outputEnded = once(output, 'end')
    stdout.on('data', (data) => {
      this.stdout += data
    })
    stderr.on('data', (data) => {
      this.stderr += data
    })
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code, signal) => resolve({ code, signal }))
    })
    t.after(() => {
      this.child.kill('SIGKILL')
      return this.exited
    })
  }

  say(line: object): void {
    this.#input.write(`${JSON.stringify(line)}\n`)
  }

  /** The consumer's next message; null when it has closed its output. */
  async said(): Promise<Said | null> {
    for (;;) {
      const { done, value } = await this.#lines.next()
      if (done) return null
      if (value !== '') return JSON.parse(value) as Said
    }
  }

  /** The daemon's reader dies; what it writes with lives on. */
  stopReading(): void {
    this.#output.destroy()
  }

  end(): void {
    this.#input.end()
  }

  /** Resolves when the consumer has printed the text on stderr. */
  async printed(text: string): Promise<void> {
    while (!this.stderr.includes(text)) await once(this.child.stderr as Readable, 'data')
  }
}
