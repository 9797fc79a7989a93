// A shard's part of the one process that serves all shards of the embedded daemon: the same face as a process of its
// own. No child and no shell for each: the host makes a connection to a socket for each lease of a shard.

import { randomUUID } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from '../timers.ts'
import { type ConsumerEvents, type ConsumerExit, LONGEST_LINE, type ShardConsumer } from './consumer.ts'
import { type HostOptions, HostProcess } from './host-process.ts'
import { LineSplitter } from './lines.ts'

/** The process that serves all shards: started when the first one needs it, and anew when it was taken away. */
export class SharedHost {
  readonly #options: Omit<HostOptions, 'gated'>
  #process: Promise<HostProcess> | null = null

  constructor(options: Omit<HostOptions, 'gated'>) {
    this.#options = options
  }

  get(): Promise<HostProcess> {
    this.#process ??= HostProcess.start({ ...this.#options, gated: false })
    return this.#process
  }

  /** All shards end with it. */
  kill(): void {
    void this.#process?.then((host) => host.kill('SIGKILL'))
  }

  /** For whoever ends it, if there is one: the next shard is given another. */
  take(): Promise<HostProcess> | null {
    const taken = this.#process
    this.#process = null
    return taken
  }
}

/** One lease of a shard there. */
export class SharedConsumer implements ShardConsumer {
  readonly exited: Promise<ConsumerExit>
  readonly closed: Promise<ConsumerExit>
  readonly #events: ConsumerEvents
  readonly #server: Server
  readonly #unsent: string[] = []
  #end: (exit: ConsumerExit) => void = () => {}
  #host: HostProcess | null = null
  #socket: Socket | null = null
  #error: readonly string[] | null = null
  #inputEnded = false
  #outputEnded = false

  constructor(shared: SharedHost, shardId: string, events: ConsumerEvents) {
    this.#events = events
    this.exited = new Promise((resolve) => {
      this.#end = resolve
    })
    // What a host said at last is on its pipes.
    this.closed = this.exited.then((exit) => (this.#host?.exit === undefined ? exit : this.#host.closed))
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#connected(socket))
    const { path, address } = newPlace()
    this.#server.on('error', (error) => this.#failed(String(error)))
    this.#server.listen(path, () => void this.#begin(shared, shardId, address))
  }

  get lastWords(): readonly string[] {
    return this.#error ?? (this.#host?.exit === undefined ? [] : this.#host.lastWords)
  }

  startHint(): string | undefined {
    return this.#host?.ready === false ? NEVER_CALLED : undefined
  }

  send(line: string): void {
    if (this.#socket === null) this.#unsent.push(`${line}\n`)
    else this.#socket.write(`${line}\n`)
  }

  endInput(): void {
    if (this.#inputEnded) return
    this.#inputEnded = true
    this.#socket?.end()
  }

  /** Gives up this shard alone: the process serves others. */
  kill(signal: NodeJS.Signals): void {
    this.release()
    this.#end({ code: null, signal })
  }

  release(): void {
    this.#server.close()
    this.#socket?.destroy()
  }

  async #begin(shared: SharedHost, shardId: string, address: string): Promise<void> {
    const host = await shared.get()
    this.#host = host
    this.#events.onSpawn?.(host.pid)
    host.serve(shardId, { socket: address }, (error) => this.#failed(error))
    const exit = await host.exited
    this.#end({ ...exit, how: `the process that serves all shards ${howHostEnded(exit)}` })
    this.#endOutput()
  }

  #connected(socket: Socket): void {
    this.#server.close()
    this.#socket = socket
    const lines = new LineSplitter(this.#events.onLine, LONGEST_LINE)
    socket.on('data', (chunk: Buffer) => lines.push(chunk))
    socket.on('error', () => {
      if (!this.#inputEnded) this.#events.onInputClosed()
    })
    const gone = (): void => {
      lines.end()
      void this.#gone()
    }
    // A socket that was closed with something unread in it is reset, and has no end.
    socket.once('end', gone)
    socket.once('close', gone)
    for (const line of this.#unsent.splice(0)) socket.write(line)
    if (this.#inputEnded) socket.end()
  }

  // The host tells of a failure first, though elsewhere: by the next turn it is known.
  async #gone(): Promise<void> {
    for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    if (this.#inputEnded) this.#end({ code: 0, signal: null })
    this.#endOutput()
  }

  #failed(error: string): void {
    this.#error = error.split('\n')
    // After the end of the input the host prints it itself, as it ends.
    if (!this.#inputEnded) for (const line of this.#error) this.#events.onLog(line)
    this.#end({ code: 1, signal: null, how: `its handler failed: ${this.#error[0]}` })
    this.#endOutput()
  }

  #endOutput(): void {
    if (this.#outputEnded) return
    this.#outputEnded = true
    this.#events.onOutputEnd()
  }
}

// Linux has sockets without a file.
function newPlace(): { readonly path: string; readonly address: string } {
  const name = `kcl-session-${randomUUID()}`
  if (process.platform === 'linux') return { path: `\0${name}`, address: `@${name}` }
  const path = join(tmpdir(), `${name}.sock`)
  return { path, address: path }
}

function howHostEnded({ code, signal }: ConsumerExit): string {
  return signal === null ? `exited with code ${code}` : `was killed by ${signal}`
}

const NEVER_CALLED =
  'The program has not called eachShard(), whose handler --shared gives the shards to. Without --shared each shard has a process of its own.'
