// Many shards in one process, as `--shared` has them: a connection for each, and nothing forwarded.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { HostProcess } from '../../lib/children/host-process.ts'
import { INITIALIZE, LockStep } from './lock-step.ts'
import { processorTimeOf, proportionalMemoryOf } from './process-figures.ts'
import type { Style } from './styles.ts'

/** The process, and its shards. */
export class OneProcess {
  readonly shards: LockStep[] = []
  readonly #style: Style
  readonly #host: HostProcess
  readonly #lines: string[]
  readonly #sockets: Socket[] = []

  private constructor(style: Style, host: HostProcess, lines: string[]) {
    this.#style = style
    this.#host = host
    this.#lines = lines
  }

  /** Starts it with so many shards; resolves when all have answered for the first time. */
  static async start(style: Style, shards: number): Promise<OneProcess> {
    const lines: string[] = []
    const host = await HostProcess.start({
      words: style.command,
      environment: process.env,
      gated: false,
      onLine: (text) => void lines.push(text),
    })
    const one = new OneProcess(style, host, lines)
    await Promise.all(Array.from({ length: shards }, (_, at) => one.#begin(`shardId-${at}`)))
    return one
  }

  processorTime(): number | null {
    return processorTimeOf(this.#host.pid)
  }

  memory(): number | null {
    return proportionalMemoryOf(this.#host.pid)
  }

  /** Ends it. Throws where it did not see what it was sent. */
  async end(sent: { records: number; bytes: number }): Promise<void> {
    for (const socket of this.#sockets) socket.end()
    await this.#host.finish(10_000)
    await this.#host.closed
    if (this.#lines.join('\n').includes(`${sent.records} records, ${sent.bytes} bytes`)) return
    throw new Error(
      `${this.#style.name} was sent ${sent.records} records, and says: ${this.#lines.join('\n')}`,
    )
  }

  async #begin(shard: string): Promise<void> {
    const name = `kcl-session-bench-${randomUUID()}`
    const server = createServer({ allowHalfOpen: true }).listen(`\0${name}`)
    const connected = once(server, 'connection') as Promise<[Socket]>
    await once(server, 'listening')
    this.#host.serve(shard, { socket: `@${name}` }, (error) => talk.fail(new Error(error)))
    const [socket] = await connected
    server.close()
    this.#sockets.push(socket)
    socket.on('error', () => {})
    const talk = new LockStep((bytes) => void socket.write(bytes))
    socket.setEncoding('utf8').on('data', (text: string) => talk.hear(text))
    this.shards.push(talk)
    await talk.perform(INITIALIZE)
  }
}
