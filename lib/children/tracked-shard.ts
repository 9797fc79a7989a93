// All that is known of one shard of this worker: its consumer, the latest report, what earlier consumers counted,
// how fast it goes, and its last lines.

import type { ShardReport } from './hub.ts'
import {
  FALLING_SAMPLES,
  isFallingBehind,
  type Limits,
  lagNow,
  type ShardState,
  type Sight,
  stateOf,
  withoutProgress,
} from './states.ts'
import { NOTHING, plus, type Totals } from './totals.ts'
import type { ShardView } from './worker-view.ts'

/** One shard, as long as it is remembered. */
export class TrackedShard {
  readonly shard: string
  pid: number | null = null
  /** When its consumer went; null while it is there. */
  leftAt: number | null = null
  /** The state that was last told of. */
  told: ShardState | null = null
  report: ShardReport | null = null
  readonly #log: string[] = []
  readonly #lags: (number | null)[] = []
  #knownSince: number
  // It is one of ours, and reports once it has begun.
  #isOurs = false
  #carried: Totals = NOTHING
  #rated = { at: 0, records: 0, rate: 0 }

  constructor(shard: string, now: number) {
    this.shard = shard
    this.#knownSince = now
    this.#rated.at = now
  }

  /** A consumer of this pid was started for the shard; `isOurs` says that it is known to report, however late. */
  announce(pid: number, now: number, isOurs = false): void {
    this.#isOurs = isOurs
    if (this.pid !== pid) {
      this.#carry()
      this.pid = pid
      this.#knownSince = now
    }
    this.leftAt = null
  }

  take(report: ShardReport): void {
    const { pid, session, at } = report
    if (this.pid !== pid) this.announce(pid, at)
    else if (this.report !== null && this.report.session !== session) this.#carry()
    this.report = report
    this.leftAt = null
  }

  leave(now: number): void {
    this.leftAt ??= now
  }

  hear(line: string): void {
    this.#log.push(line.slice(0, LONGEST_LINE))
    if (this.#log.length > LOG_LINES) this.#log.shift()
  }

  /** Counted since the shard came to this worker. */
  get totals(): Totals {
    return this.report === null ? this.#carried : plus(this.#carried, this.report.snapshot)
  }

  /** Takes a sample of the lag. */
  sample(now: number): void {
    this.#lags.push(this.leftAt === null ? this.lag(now) : null)
    if (this.#lags.length > FALLING_SAMPLES) this.#lags.shift()
  }

  /** Works the rate out anew where a second or more has passed. */
  measure(now: number): void {
    const { records } = this.totals.counts
    const elapsed = now - this.#rated.at
    if (elapsed < RATE_TIME) return
    this.#rated = { at: now, records, rate: ((records - this.#rated.records) * 1000) / elapsed }
  }

  /** Milliseconds. */
  lag(now: number): number | null {
    return this.report === null ? null : lagNow(this.report.snapshot.lagMs, now - this.report.at)
  }

  state(now: number, limits: Limits): ShardState {
    return stateOf(this.sight(now), limits)
  }

  sight(now: number): Sight {
    const { report } = this
    return {
      present: this.leftAt === null,
      knownFor: this.#isOurs ? 0 : now - this.#knownSince,
      report: report === null ? null : { age: now - report.at, snapshot: report.snapshot },
    }
  }

  view(now: number, limits: Limits): ShardView {
    const snapshot = this.report?.snapshot
    const age = this.report === null ? 0 : now - this.report.at
    const { counts } = this.totals
    const since = (at: number | null | undefined): number | null =>
      typeof at === 'number' ? seconds(at + age) : null
    return {
      shard: this.shard,
      state: this.state(now, limits),
      fallingBehind: isFallingBehind(this.#lags),
      pid: this.pid,
      version: this.report?.version ?? null,
      lag: seconds(this.lag(now)),
      checkpointLag: seconds(lagNow(snapshot?.checkpointLagMs ?? null, age)),
      readLag: seconds(snapshot?.behindMs ?? null),
      recordsPerSecond: this.leftAt === null ? Math.round(this.#rated.rate * 10) / 10 : 0,
      action: snapshot?.action ?? null,
      actionAge: since(snapshot?.actionMs),
      noProgress: seconds(withoutProgress(this.sight(now))) ?? 0,
      batch: snapshot?.batch ?? null,
      unstored: snapshot?.unstored ?? 0,
      storedAge: since(snapshot?.storedMs),
      readAge: since(snapshot?.readMs),
      position: snapshot?.position ?? null,
      ...counts,
      memory: this.report === null ? null : this.report.process.rss,
      cpu: this.report === null ? null : this.report.process.cpuMs / 1000,
      busy: this.report === null ? null : this.report.process.busy,
      lastError: snapshot?.lastError ?? null,
      log: [...this.#log],
    }
  }

  #carry(): void {
    this.#carried = this.totals
    this.report = null
  }
}

function seconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.round(milliseconds) / 1000
}

const RATE_TIME = 1000
const LOG_LINES = 20
const LONGEST_LINE = 500
