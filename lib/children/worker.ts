// One worker while it runs: its shards with their reports, its daemon, and what was counted. Told by the launcher
// or the embedded daemon what they see, and by the hub what consumers say; asked by everything that shows it.

import type { Clock } from '../time.ts'
import type { HubListener, ShardReport } from './hub.ts'
import { type Limits, SAMPLE_TIME, type ShardState, STATES } from './states.ts'
import { NOTHING, plus, type Totals } from './totals.ts'
import { TrackedShard } from './tracked-shard.ts'
import type { Phase, ShardView, WorkerIdentity, WorkerView } from './worker-view.ts'

export interface WorkerOptions {
  readonly identity: WorkerIdentity
  readonly limits: Limits
  readonly clock: Clock
  /** Milliseconds since the epoch, for people. */
  readonly today?: () => number
  /** Told of each change of a shard's state; `before` is null for a new shard. */
  readonly onState?: (shard: ShardView, before: ShardState | null) => void
}

/** What can be counted by name. */
export interface WorkerCounts {
  daemonStarts: number
  handedOver: number
  lost: number
  done: number
  crashed: number
  killed: number
  kinesisThrottles: number
  dynamodbThrottles: number
  iteratorsExpired: number
}

/** A worker, seen from the process that runs it. */
export class Worker implements HubListener {
  readonly counts: WorkerCounts = {
    daemonStarts: 0,
    handedOver: 0,
    lost: 0,
    done: 0,
    crashed: 0,
    killed: 0,
    kinesisThrottles: 0,
    dynamodbThrottles: 0,
    iteratorsExpired: 0,
  }
  readonly #options: WorkerOptions
  readonly #clock: Clock
  readonly #shards = new Map<string, TrackedShard>()
  readonly #startedAt: number
  readonly #today: () => number
  #identity: WorkerIdentity
  #phase: Phase = 'starting'
  #daemonSpokeAt: number | null = null
  #departed: Totals = NOTHING
  #sampledAt: number
  #error: { shard: string; text: string; at: number } | null = null
  #cancel: (() => void) | null = null

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#identity = options.identity
    this.#startedAt = options.clock.now()
    this.#sampledAt = this.#startedAt
    this.#today = options.today ?? Date.now
  }

  get phase(): Phase {
    return this.#phase
  }

  set phase(phase: Phase) {
    this.#phase = phase
    if (phase !== 'running') this.#daemonSpokeAt = null
  }

  /** What was learned of the worker since it began. */
  identify(more: Partial<WorkerIdentity>): void {
    this.#identity = { ...this.#identity, ...more }
  }

  /** The daemon wrote a line: it lives. */
  daemonSpoke(): void {
    this.#daemonSpokeAt = this.#clock.now()
  }

  /** The daemon has begun to work: with or without a shard, this worker is ready. */
  began(): void {
    if (this.#phase === 'starting' || this.#phase === 'restarting') this.#phase = 'running'
  }

  /** A consumer was started for a shard; `isOurs` says that it is known to report, however late it begins. */
  announced(shard: string, pid: number, isOurs = false): void {
    this.began()
    this.#track(shard).announce(pid, this.#clock.now(), isOurs)
    this.#look()
  }

  /** The process of a consumer is gone. */
  ended(pid: number): void {
    for (const tracked of this.#shards.values()) if (tracked.pid === pid) tracked.leave(this.#clock.now())
    this.#look()
  }

  /** The consumer of a shard is gone, though its process may serve other shards. */
  released(shard: string): void {
    const tracked = this.#shards.get(shard)
    if (tracked?.pid != null) tracked.leave(this.#clock.now())
    this.#look()
  }

  /** A consumer wrote a line. */
  heard(shard: string, line: string): void {
    if (line.trim() !== '') this.#shards.get(shard)?.hear(line)
  }

  reported(report: ShardReport): void {
    const tracked = this.#track(report.shard)
    const { lastError } = report.snapshot
    if (lastError !== null && lastError !== tracked.report?.snapshot.lastError) {
      this.#error = { shard: report.shard, text: lastError, at: report.at }
    }
    tracked.take(report)
    this.began()
    this.#look()
  }

  left({ shard, pid, session }: ShardReport): void {
    const tracked = this.#shards.get(shard)
    // Another consumer may have taken the shard up by now.
    if (tracked?.pid === pid && tracked.report?.session === session) tracked.leave(this.#clock.now())
    this.#look()
  }

  /** Looks at the shards each second until the returned function is called: states change with time alone. */
  watch(): () => void {
    const again = (): void => {
      this.#cancel = this.#clock.after(
        LOOK,
        () => {
          this.tick()
          again()
        },
        { unref: true },
      )
    }
    again()
    return () => this.#cancel?.()
  }

  /** What `watch()` does each second. */
  tick(): void {
    const now = this.#clock.now()
    const sampling = now - this.#sampledAt >= SAMPLE_TIME
    if (sampling) this.#sampledAt = now
    for (const [shard, tracked] of this.#shards) {
      tracked.measure(now)
      if (sampling) tracked.sample(now)
      if (tracked.leftAt === null || now - tracked.leftAt < REMEMBERED) continue
      this.#departed = plus(this.#departed, tracked.totals)
      this.#shards.delete(shard)
    }
    this.#look()
  }

  /** How many shards are known. */
  get size(): number {
    return this.#shards.size
  }

  /** The shards that are stuck. */
  get stuck(): ShardView[] {
    return this.#views(this.#clock.now()).filter(({ state }) => state === 'stuck')
  }

  view(): WorkerView {
    const now = this.#clock.now()
    const shards = this.#views(now)
    const { counts } = this
    const error = this.#error
    const silence = this.#daemonSpokeAt === null ? null : now - this.#daemonSpokeAt
    return {
      time: new Date(this.#today()).toISOString(),
      ...this.#identity,
      uptime: Math.round((now - this.#startedAt) / 1000),
      phase: this.#phase,
      live: [...stuckReasons(shards), ...silentDaemon(this.#phase, silence)],
      ready: this.#phase === 'running' ? [] : [NOT_READY[this.#phase]],
      shards,
      totals: [...this.#shards.values()].reduce((sum, one) => plus(sum, one.totals), this.#departed),
      daemonStarts: counts.daemonStarts,
      daemonSilence: silence === null ? null : Math.round(silence) / 1000,
      leasesLost: { handedOver: counts.handedOver, lost: counts.lost },
      consumerExits: { done: counts.done, crashed: counts.crashed, killed: counts.killed },
      throttles: { kinesis: counts.kinesisThrottles, dynamodb: counts.dynamodbThrottles },
      iteratorsExpired: counts.iteratorsExpired,
      lastError:
        error === null
          ? null
          : { shard: error.shard, text: error.text, age: Math.round(now - error.at) / 1000 },
    }
  }

  #views(now: number): ShardView[] {
    return [...this.#shards.values()].map((one) => one.view(now, this.#options.limits)).sort(worstFirst)
  }

  #track(shard: string): TrackedShard {
    const known = this.#shards.get(shard)
    if (known !== undefined) return known
    const tracked = new TrackedShard(shard, this.#clock.now())
    this.#shards.set(shard, tracked)
    return tracked
  }

  #look(): void {
    const now = this.#clock.now()
    const { limits, onState } = this.#options
    for (const tracked of this.#shards.values()) {
      const before = tracked.told
      const state = tracked.state(now, limits)
      if (state === before) continue
      tracked.told = state
      onState?.(tracked.view(now, limits), before)
    }
  }
}

function worstFirst(one: ShardView, other: ShardView): number {
  return (
    STATES.indexOf(one.state) - STATES.indexOf(other.state) ||
    (other.lag ?? 0) - (one.lag ?? 0) ||
    (one.shard < other.shard ? -1 : 1)
  )
}

function stuckReasons(shards: readonly ShardView[]): string[] {
  return shards
    .filter(({ state }) => state === 'stuck')
    .map(({ shard, noProgress }) => `${shard}: no progress for ${Math.round(noProgress)} s (--stuck-after)`)
}

// It writes a line each minute, whatever happens.
function silentDaemon(phase: Phase, silence: number | null): string[] {
  if (phase !== 'running' || silence === null || silence < DAEMON_SILENT) return []
  return [`the daemon has said nothing for ${Math.round(silence / 1000)} s`]
}

const NOT_READY: Readonly<Record<Exclude<Phase, 'running'>, string>> = {
  starting: 'the daemon has not begun to work',
  draining: 'the worker is stopping',
  restarting: 'the daemon waits to be started again',
  stopped: 'the worker has stopped',
}
const LOOK = 1000
// How long a shard that left is remembered: its counters vanish then, so that reshards do not add up for ever.
const REMEMBERED = 300_000
const DAEMON_SILENT = 300_000
