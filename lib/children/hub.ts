// The launcher's end of the reports: a local socket, one connection for each consumer's process, and the latest
// snapshot of each shard. Rule: nothing that comes in is believed without the token, and nothing that is said
// here can hold a consumer up: nothing is ever answered.

import { randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ADDRESS, TOKEN } from '../report/reporter.ts'
import {
  type Hello,
  type ProcessFacts,
  type Report,
  readHello,
  readReport,
  type Snapshot,
} from '../report/snapshot.ts'
import { type Clock, systemClock } from '../time.ts'

/** The latest that one session told of its shard. Times are those of the hub's clock. */
export interface ShardReport {
  readonly shard: string
  readonly pid: number
  /** The session within its process: the counts of a snapshot are those of one session, over all its connections. */
  readonly session: number
  readonly version: string
  /** When the latest snapshot came. */
  readonly at: number
  readonly snapshot: Snapshot
  readonly process: ProcessFacts
}

/** Who is told of reports. None may throw. */
export interface HubListener {
  /** A snapshot of a shard came; the first one of a connection follows its hello at once. */
  reported(report: ShardReport): void
  /** A session has ended, or its process is gone, with this as its last word. */
  left(report: ShardReport): void
  /** A process has said hello; it may not know its shard yet. */
  greeted?(pid: number): void
}

/** Listens for reports until it is closed. */
export class ReportHub {
  readonly #server: Server
  readonly #listener: HubListener
  readonly #clock: Clock
  readonly #address: Address
  readonly #token = randomBytes(16).toString('hex')
  readonly #sockets = new Set<Socket>()

  private constructor(address: Address, listener: HubListener, clock: Clock) {
    this.#address = address
    this.#listener = listener
    this.#clock = clock
    this.#server = createServer((socket) => this.#serve(socket))
    this.#server.maxConnections = MOST_CONNECTIONS
  }

  /** Begins to listen. Rejects where no local socket can be made. */
  static async open(listener: HubListener, clock: Clock = systemClock): Promise<ReportHub> {
    const address = await newAddress()
    const hub = new ReportHub(address, listener, clock)
    try {
      await new Promise<void>((resolve, reject) => {
        hub.#server.once('error', reject)
        hub.#server.listen(address.path, () => {
          hub.#server.off('error', reject)
          resolve()
        })
      })
    } catch (error) {
      await address.remove()
      throw error
    }
    hub.#server.on('error', () => {})
    return hub
  }

  /** What a consumer needs in its environment. */
  get environment(): Readonly<Record<string, string>> {
    return { [ADDRESS]: this.#address.path.replace(/^\0/, '@'), [TOKEN]: this.#token }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
    await this.#address.remove()
  }

  #serve(socket: Socket): void {
    const connection = new Connection({
      clock: this.#clock,
      listener: this.#listener,
      knows: (token) => sameText(token, this.#token),
    })
    this.#sockets.add(socket)
    const cancel = this.#clock.after(HELLO_TIME, () => connection.greeted || socket.destroy(), {
      unref: true,
    })
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      if (!connection.take(chunk)) socket.destroy()
    })
    socket.once('close', () => {
      cancel()
      this.#sockets.delete(socket)
      connection.close()
    })
  }
}

interface ConnectionPort {
  readonly clock: Clock
  readonly listener: HubListener
  knows(token: string): boolean
}

// One consumer's process: lines in, reports out.
class Connection {
  readonly #port: ConnectionPort
  readonly #latest = new Map<number, ShardReport>()
  #hello: Hello | null = null
  #rest: Buffer[] = []
  #length = 0
  #over = false

  constructor(port: ConnectionPort) {
    this.#port = port
  }

  get greeted(): boolean {
    return this.#hello !== null
  }

  /** Takes what came; false for what no consumer of ours says: the connection is to be closed. */
  take(chunk: Buffer): boolean {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const line = this.#line(chunk.subarray(from, end))
      from = end + 1
      if (line === null || this.#over || !this.#read(line)) return this.#refuse()
    }
    this.#rest.push(chunk.subarray(from))
    this.#length += chunk.length - from
    return this.#length <= LONGEST_LINE || this.#refuse()
  }

  close(): void {
    this.#over = true
    for (const report of this.#latest.values()) this.#port.listener.left(report)
    this.#latest.clear()
  }

  #line(end: Buffer): string | null {
    const length = this.#length + end.length
    const bytes = this.#rest.length === 0 ? end : Buffer.concat([...this.#rest, end])
    this.#rest = []
    this.#length = 0
    return length > LONGEST_LINE ? null : bytes.toString('utf8')
  }

  #read(line: string): boolean {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      return false
    }
    return this.#hello === null ? this.#greet(readHello(value)) : this.#follow(this.#hello, readReport(value))
  }

  #greet(hello: Hello | null): boolean {
    if (hello === null || !this.#port.knows(hello.token)) return false
    this.#hello = hello
    this.#port.listener.greeted?.(hello.pid)
    return true
  }

  #follow({ pid, version }: Hello, report: Report | null): boolean {
    if (report === null) return false
    const { session, snapshot } = report
    if (snapshot.shard === null) return true
    const latest = {
      shard: snapshot.shard,
      pid,
      session,
      version,
      at: this.#port.clock.now(),
      snapshot,
      process: report.process,
    }
    this.#port.listener.reported(latest)
    if (snapshot.state === 'open') this.#latest.set(session, latest)
    else {
      this.#latest.delete(session)
      this.#port.listener.left(latest)
    }
    return true
  }

  #refuse(): false {
    this.#over = true
    this.#rest = []
    return false
  }
}

interface Address {
  readonly path: string
  remove(): Promise<void>
}

// On Linux a name without a file, which goes with the process. Elsewhere a socket in a folder that is ours alone.
async function newAddress(): Promise<Address> {
  const name = `kcl-session/report/${randomBytes(8).toString('hex')}`
  const remove = async (): Promise<void> => {}
  if (process.platform === 'linux') return { path: `\0${name}`, remove }
  if (process.platform === 'win32') return { path: `\\\\.\\pipe\\${name.replaceAll('/', '-')}`, remove }
  const folder = await mkdtemp(join(tmpdir(), 'kcl-session-'))
  return { path: join(folder, 'report'), remove: () => rm(folder, { recursive: true, force: true }) }
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const NEWLINE = 0x0a
// How long a connection may take to say hello, in milliseconds.
const HELLO_TIME = 2000
const LONGEST_LINE = 64 * 1024
const MOST_CONNECTIONS = 4096
