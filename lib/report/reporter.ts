// Tells the launcher how the shards of this process are doing: one line of JSON each, about once a second, over a
// local socket whose address the launcher put into the environment.
// Rule: nothing here waits, throws, keeps the process alive or holds more than one line; what cannot be sent now
// is not sent, and the next snapshot tells everything again.

import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { EventLoopUtilization } from 'node:perf_hooks'
import { perfHooks } from '../lazy.ts'
import { systemClock } from '../time.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../timers.ts'
import type { Hello, ProcessFacts, Report, Snapshot } from './snapshot.ts'

/** Makes a snapshot of one session. */
export type ReportSource = () => Snapshot

/** One session's part in the reports. */
export interface Reporting {
  /** Something changed that is better known at once, before user code has the thread. */
  changed(): void
  /** The session is over: tells its last state, and is silent from then on. */
  end(): void
}

/** Where to report, and as whom. */
export interface ReporterOptions {
  /** `@name` for an abstract socket of Linux, else a path. */
  readonly address: string
  readonly token: string
  readonly version: string
}

/** Reports on all sessions of a process. */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #sources = new Map<number, ReportSource>()
  #facts = new Facts()
  #numbers = 0
  #socket: Socket | null = null
  #ticker: NodeJS.Timeout | null = null
  #retry: NodeJS.Timeout | null = null
  #delay = FIRST_RETRY
  #broken = false

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  /** Takes up a session; the connection lasts from the first one to the end of the last. */
  add(source: ReportSource): Reporting {
    const session = this.#numbers++
    let credit = CREDIT
    let last = systemClock.now()
    this.#sources.set(session, source)
    if (this.#sources.size === 1) this.#open()
    else this.#send(session, source)
    return {
      changed: () => {
        const now = systemClock.now()
        credit = Math.min(CREDIT, credit + ((now - last) * CREDIT) / TICK)
        last = now
        if (credit < 1) return
        credit -= 1
        this.#send(session, source)
      },
      end: () => {
        if (!this.#sources.has(session)) return
        this.#send(session, source)
        this.#sources.delete(session)
        if (this.#sources.size === 0) this.#close()
      },
    }
  }

  #open(): void {
    if (this.#broken) return
    this.#ticker ??= setInterval(() => this.#tick(), TICK).unref()
    try {
      const socket = connect({ path: this.#options.address.replace(/^@/, '\0') })
      this.#socket = socket
      socket.unref()
      // Nothing is said to us; reading on is how the end is seen.
      socket.resume()
      socket.on('error', () => {})
      socket.once('connect', () => {
        this.#delay = FIRST_RETRY
        const { token, version } = this.#options
        this.#write({ v: 1, token, pid: process.pid, version, node: process.version } satisfies Hello)
        for (const [session, source] of this.#sources) this.#send(session, source)
      })
      socket.once('close', () => {
        if (this.#socket !== socket) return
        this.#socket = null
        this.#openLater()
      })
    } catch {
      this.#giveUp()
    }
  }

  #openLater(): void {
    if (this.#broken || this.#sources.size === 0 || this.#retry !== null) return
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.#open()
    }, this.#delay).unref()
    this.#delay = Math.min(this.#delay * 2, LAST_RETRY)
  }

  #tick(): void {
    this.#facts = new Facts(this.#facts)
    for (const [session, source] of this.#sources) this.#send(session, source)
  }

  #send(session: number, source: ReportSource): void {
    const socket = this.#socket
    if (socket === null || socket.connecting || socket.destroyed) return
    try {
      this.#write({ session, snapshot: source(), process: this.#facts.values } satisfies Report)
    } catch {
      this.#giveUp()
    }
  }

  // An unfinished write is a request of libuv that keeps the process alive, though the socket is unref'd. So who
  // does not read is let go at once, with all that is on its way to them.
  #write(message: Hello | Report): void {
    const socket = this.#socket
    if (socket === null || socket.destroyed) return
    socket.write(`${JSON.stringify(message)}\n`)
    if (socket.writableLength > 0) socket.destroy()
  }

  // Never with end(): that waits for the other side.
  #close(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker)
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#ticker = null
    this.#retry = null
    const socket = this.#socket
    this.#socket = null
    socket?.destroy()
  }

  #giveUp(): void {
    this.#broken = true
    this.#close()
  }
}

/**
 * Begins to report on a session where the environment names somebody to report to, else undefined. The variables
 * are taken away, so that what this process starts does not report in its name.
 */
export function reportTo(environment: NodeJS.ProcessEnv, source: ReportSource): Reporting | undefined {
  const { [ADDRESS]: address, [TOKEN]: token } = environment
  if (address && token) {
    reporter = new Reporter({ address, token, version: ownVersion() })
    delete environment[ADDRESS]
    delete environment[TOKEN]
  }
  return reporter?.add(source)
}

let reporter: Reporter | undefined

// This file lies at two depths of the package, and once a user has bundled it anywhere; the version is for people alone.
function ownVersion(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8')
      const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown }
      if (name === 'kcl-session' && typeof version === 'string') return version
    } catch {
      // Not there.
    }
  }
  return ''
}

// Asking for the memory costs more than all the rest, so it is done once a second.
class Facts {
  readonly values: ProcessFacts
  readonly #loop = eventLoopUtilization()

  constructor(before?: Facts) {
    const { user, system } = process.cpuUsage()
    this.values = {
      rss: process.memoryUsage.rss(),
      cpuMs: Math.round((user + system) / 1000),
      busy: before === undefined ? 0 : rounded(eventLoopUtilization(this.#loop, before.#loop).utilization),
    }
  }
}

function eventLoopUtilization(...between: EventLoopUtilization[]): EventLoopUtilization {
  return perfHooks().performance.eventLoopUtilization(...between)
}

function rounded(part: number): number {
  return Number.isFinite(part) ? Math.round(part * 1000) / 1000 : 0
}

/** The variables by which a launcher asks for reports. */
export const ADDRESS = 'KCL_SESSION_REPORT'
export const TOKEN = 'KCL_SESSION_REPORT_TOKEN'
const TICK = 1000
// Snapshots that may be sent at once, and so many a second.
const CREDIT = 10
const FIRST_RETRY = 500
const LAST_RETRY = 10_000
