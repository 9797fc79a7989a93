// What a session knows of itself: how far behind it is, when it last got on, and what was counted. Told by the loop what
// happens; asked by `stats`, by the reports and by the channels. Times are those of the session's clock.

import { formatPosition, toPosition } from '../checkpoint/position.ts'
import {
  type Counts,
  emptyHistogram,
  type HistogramName,
  observe,
  type Snapshot,
} from '../report/snapshot.ts'
import type { Clock } from '../time.ts'
import type { Checkpointing } from './checkpointing.ts'
import type { BatchPlace } from './tracing.ts'

/** What figures are read from. */
export interface FiguresSource {
  readonly checkpointing: Checkpointing
  readonly counts: Pick<Counts, 'batches' | 'skipped'>
  readonly shard: { readonly shardId: string } | null
  readonly state: Snapshot['state']
  /** The action that the daemon waits for, or null. */
  readonly action: string | null
  /** The one in hand, or one that is finished and not acknowledged. */
  readonly batch: BatchPlace | null
  /** Whether what is in hand is still ours. */
  readonly lost: boolean
}

/** The figures of one session. */
export class Figures {
  readonly histograms: Record<HistogramName, number[]> = {
    batch: emptyHistogram('batch'),
    checkpoint: emptyHistogram('checkpoint'),
    latency: emptyHistogram('latency'),
  }
  /** Whether anybody wants the latency of each record: it costs a little for each. */
  wantsLatency = false
  readonly refusals: Record<string, number> = {}
  lastError: string | null = null
  empty = 0
  retried = 0
  readonly #clock: Clock
  readonly #source: FiguresSource
  #actionAt: number | null = null
  #readAt: number | null = null
  #storedAt: number | null = null
  #askedAt: number | null = null
  // Records whose latency is not counted yet, and the last of them.
  #waiting = 0
  #last = -1
  #observedAt = 0

  constructor(clock: Clock, source: FiguresSource) {
    this.#clock = clock
    this.#source = source
  }

  /** Something got on; when that was. */
  progressed(): number {
    const { checkpointing } = this.#source
    checkpointing.progressed()
    return checkpointing.progressAt
  }

  /** The daemon gave something to do, with the last progress. */
  took(action: string, records: number): void {
    const now = this.#source.checkpointing.progressAt
    this.#actionAt = now
    if (action !== 'processRecords' && action !== 'initialize') return
    this.#readAt = now
    if (action === 'processRecords' && records === 0) this.empty += 1
  }

  /** What the daemon gave to do is answered, with the last progress; `records`: it was a delivery with some. */
  acknowledged(records: boolean): void {
    const now = this.#source.checkpointing.progressAt
    if (records && this.#actionAt !== null) {
      observe('batch', this.histograms.batch, (now - this.#actionAt) / 1000)
    }
    this.#actionAt = null
  }

  /** A record is finished, at `now`. */
  finished(number: number, now: number): void {
    if (!this.wantsLatency) return
    this.#waiting += 1
    this.#last = number
    // Those of one millisecond count as the last of them does: that is exact where it matters, and costs next to nothing.
    if (now - this.#observedAt >= 1) this.#observeWaiting(now)
  }

  /** The records from `from` to before `to` are finished, at `now`. */
  finishedBefore(from: number, to: number, now: number): void {
    if (!this.wantsLatency) return
    const step = Math.max(1, Math.floor((to - from) / MOST_SAMPLES))
    for (let number = from; number < to; number += step) {
      this.#observeLatency(number, now, Math.min(step, to - number))
    }
  }

  #observeWaiting(now: number): void {
    this.#observeLatency(this.#last, now, this.#waiting)
    this.#waiting = 0
    this.#observedAt = now
  }

  #observeLatency(number: number, now: number, times: number): void {
    const age = this.#source.checkpointing.line.ageOf(number, now)
    if (age !== null) observe('latency', this.histograms.latency, Math.max(0, age) / 1000, times)
  }

  /** A checkpoint goes out for the first time. */
  asked(): void {
    this.#askedAt = this.#clock.now()
  }

  stored(): void {
    const now = this.progressed()
    this.#storedAt = now
    if (this.#askedAt !== null) {
      observe('checkpoint', this.histograms.checkpoint, (now - this.#askedAt) / 1000)
    }
    this.#askedAt = null
  }

  refused(exception: string, where: string): void {
    this.refusals[exception] = (this.refusals[exception] ?? 0) + 1
    this.lastError = `${exception} at ${where}`.slice(0, LONGEST_TEXT)
  }

  failed(error: unknown): void {
    this.lastError = (error instanceof Error ? `${error.name}: ${error.message}` : typeof error).slice(
      0,
      LONGEST_TEXT,
    )
  }

  /**
   * Age of the oldest record that has arrived in the stream and is not finished, in milliseconds. The daemon reads
   * ahead, so its own figure is that of the read; this one goes on while a batch is worked on, and while nobody reads.
   */
  get lag(): number | null {
    const { checkpointing, lost, state } = this.#source
    const { line, millisBehindLatest } = checkpointing
    const now = this.#clock.now()
    if (lost || state !== 'open' || this.#readAt === null) return null
    if (line.watermark < line.end) return positive(line.ageOf(line.watermark, now))
    if (millisBehindLatest === null) return null
    const since = now - this.#readAt
    return millisBehindLatest === 0 && since < FRESH ? 0 : Math.round(since + millisBehindLatest)
  }

  /** Age of the oldest record that a crash would have delivered again; the lag, where there is none. */
  get checkpointLag(): number | null {
    const { checkpointing, lost, state } = this.#source
    const { line, stored } = checkpointing
    if (lost || state !== 'open') return null
    return stored < line.end ? positive(line.ageOf(stored, this.#clock.now())) : this.lag
  }

  /** Records finished and not stored. */
  get unstored(): number {
    const { line, stored } = this.#source.checkpointing
    return Math.max(0, line.watermark - stored)
  }

  /** Everything, for a report. */
  get snapshot(): Snapshot {
    const { checkpointing, counts, shard, state, action, batch } = this.#source
    const { line, millisBehindLatest, checkpointed } = checkpointing
    const now = this.#clock.now()
    if (this.#waiting > 0) this.#observeWaiting(now)
    const since = (at: number | null): number | null => (at === null ? null : Math.round(now - at))
    return {
      shard: shard?.shardId ?? null,
      state,
      action: action ?? (batch === null ? null : 'processRecords'),
      actionMs: since(this.#actionAt),
      progressMs: Math.round(now - checkpointing.progressAt),
      readMs: since(this.#readAt),
      batch: batch === null ? null : inHand(batch, line.watermark),
      lagMs: this.lag,
      checkpointLagMs: this.checkpointLag,
      behindMs: millisBehindLatest,
      unstored: this.unstored,
      storedMs: since(this.#storedAt),
      position: checkpointed === null ? null : formatPosition(toPosition(checkpointed)),
      counts: {
        ...counts,
        ...checkpointing.counts,
        empty: this.empty,
        retried: this.retried,
        records: line.watermark,
        bytes: line.bytes,
        refusals: this.refusals,
      },
      lastError: this.lastError,
      histograms: this.histograms,
    }
  }
}

function inHand({ window, attempt }: BatchPlace, watermark: number): Snapshot['batch'] {
  const size = window.to - window.from
  return { size, finished: Math.min(size, Math.max(0, watermark - window.from)), attempt }
}

// Our clock and that of AWS may differ by a little.
function positive(age: number | null): number | null {
  return age === null ? null : Math.max(0, Math.round(age))
}

// Milliseconds: for so long a shard that was read to its tip counts as read to its tip.
const FRESH = 30_000
const LONGEST_TEXT = 300
// Of a batch that is finished at once.
const MOST_SAMPLES = 32
