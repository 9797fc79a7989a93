// What a session tells whoever started it: one snapshot, whole each time, so that losing any of them harms nothing.
// Times are ages at the moment of sending: no two clocks are compared. What comes in over a socket is read as
// carefully as anything from outside: every field is checked, and what is not known is left out.

/** One shard, as its session sees it. Durations are milliseconds; null where there is nothing to tell. */
export interface Snapshot {
  /** Null before the daemon has named the shard. */
  readonly shard: string | null
  readonly state: 'open' | 'ended' | 'failed'
  /** The action in hand; null between two. */
  readonly action: string | null
  readonly actionMs: number | null
  /** Since anything got on: a record finished, a checkpoint stored, a batch taken or acknowledged. */
  readonly progressMs: number
  /** Since the last batch came, an empty one included. */
  readonly readMs: number | null
  readonly batch: { readonly size: number; readonly finished: number; readonly attempt: number } | null
  /** Age of the oldest record that has arrived in the stream and is not finished. */
  readonly lagMs: number | null
  /** Age of the oldest record that a crash would have delivered again. */
  readonly checkpointLagMs: number | null
  /** What the daemon said with the last batch: how far it was read behind the tip. */
  readonly behindMs: number | null
  /** Records finished and not stored. */
  readonly unstored: number
  /** Since the last checkpoint was stored. */
  readonly storedMs: number | null
  /** The last stored position, for people. */
  readonly position: string | null
  readonly counts: Counts
  readonly lastError: string | null
  readonly histograms: Readonly<Record<HistogramName, readonly number[]>>
}

/** Counted from the start of the session. */
export interface Counts {
  readonly batches: number
  /** Batches without a record. */
  readonly empty: number
  readonly records: number
  readonly bytes: number
  readonly skipped: number
  /** Attempts at a batch after the first. */
  readonly retried: number
  readonly checkpoints: number
  /** Checkpoint tries after the first. */
  readonly retries: number
  /** Refused checkpoints by the name of the exception. */
  readonly refusals: Readonly<Record<string, number>>
}

/** What is known of a consumer's process. */
export interface ProcessFacts {
  /** Resident memory in bytes. */
  readonly rss: number
  readonly cpuMs: number
  /** The part of the time that the event loop was busy, from 0 to 1. */
  readonly busy: number
}

/** The first line of a connection. */
export interface Hello {
  readonly v: 1
  readonly token: string
  readonly pid: number
  readonly version: string
  readonly node: string
}

/** Every other line. Sessions of one process are numbered, since several may speak before their shards are named. */
export interface Report {
  readonly session: number
  readonly snapshot: Snapshot
  readonly process: ProcessFacts
}

export type HistogramName = 'batch' | 'checkpoint' | 'latency'

/** Upper bounds in seconds. A histogram is the counts of each, the count above the last, and the sum in seconds. */
export const BUCKETS: Readonly<Record<HistogramName, readonly number[]>> = {
  /** From the delivery of a batch to its acknowledgement. */
  batch: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
  /** From the first try of a checkpoint until it is stored. */
  checkpoint: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  /** From a record's arrival in the stream until it is finished. */
  latency: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
}

/** The hello in a line of JSON, or null. */
export function readHello(value: unknown): Hello | null {
  if (!isObject(value) || value.v !== 1 || typeof value.token !== 'string') return null
  const pid = amount(value.pid)
  if (pid === null) return null
  return { v: 1, token: value.token, pid, version: text(value.version) ?? '', node: text(value.node) ?? '' }
}

/** The report in a line of JSON, or null. */
export function readReport(value: unknown): Report | null {
  if (!isObject(value)) return null
  const session = amount(value.session)
  const snapshot = readSnapshot(value.snapshot)
  if (session === null || snapshot === null) return null
  const facts = isObject(value.process) ? value.process : {}
  const [rss, cpuMs, busy] = [amount(facts.rss), amount(facts.cpuMs), amount(facts.busy)]
  return { session, snapshot, process: { rss: rss ?? 0, cpuMs: cpuMs ?? 0, busy: Math.min(busy ?? 0, 1) } }
}

function readSnapshot(value: unknown): Snapshot | null {
  if (!isObject(value)) return null
  const shard = value.shard ?? null
  if (shard !== null && (typeof shard !== 'string' || !SHARD_ID.test(shard))) return null
  const state = STATES.find((name) => name === value.state)
  const progressMs = amount(value.progressMs)
  if (state === undefined || progressMs === null) return null
  const histograms = isObject(value.histograms) ? value.histograms : {}
  return {
    shard,
    state,
    action: text(value.action),
    actionMs: amount(value.actionMs),
    progressMs,
    readMs: amount(value.readMs),
    batch: readBatch(value.batch),
    lagMs: amount(value.lagMs),
    checkpointLagMs: amount(value.checkpointLagMs),
    behindMs: amount(value.behindMs),
    unstored: amount(value.unstored) ?? 0,
    storedMs: amount(value.storedMs),
    position: text(value.position),
    counts: readCounts(value.counts),
    lastError: text(value.lastError),
    histograms: {
      batch: readHistogram('batch', histograms.batch),
      checkpoint: readHistogram('checkpoint', histograms.checkpoint),
      latency: readHistogram('latency', histograms.latency),
    },
  }
}

function readBatch(value: unknown): Snapshot['batch'] {
  if (!isObject(value)) return null
  const [size, finished, attempt] = [amount(value.size), amount(value.finished), amount(value.attempt)]
  return size === null || finished === null ? null : { size, finished, attempt: attempt ?? 1 }
}

function readCounts(value: unknown): Counts {
  const counts = isObject(value) ? value : {}
  const refusals = isObject(counts.refusals) ? Object.entries(counts.refusals) : []
  return {
    batches: amount(counts.batches) ?? 0,
    empty: amount(counts.empty) ?? 0,
    records: amount(counts.records) ?? 0,
    bytes: amount(counts.bytes) ?? 0,
    skipped: amount(counts.skipped) ?? 0,
    retried: amount(counts.retried) ?? 0,
    checkpoints: amount(counts.checkpoints) ?? 0,
    retries: amount(counts.retries) ?? 0,
    refusals: Object.fromEntries(
      refusals
        .slice(0, MOST_REFUSALS)
        .map(([name, count]) => [name.slice(0, LONGEST_TEXT), amount(count) ?? 0]),
    ),
  }
}

function readHistogram(name: HistogramName, value: unknown): number[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : []
  return emptyHistogram(name).map((_, at) => amount(given[at]) ?? 0)
}

/** A histogram that has seen nothing. */
export function emptyHistogram(name: HistogramName): number[] {
  return new Array<number>(BUCKETS[name].length + 2).fill(0)
}

/** Counts a duration in a histogram, `times` times. */
export function observe(name: HistogramName, histogram: number[], seconds: number, times = 1): void {
  const bounds = BUCKETS[name]
  let at = 0
  while (at < bounds.length && seconds > (bounds[at] ?? 0)) at += 1
  histogram[at] = (histogram[at] ?? 0) + times
  histogram[bounds.length + 1] = (histogram[bounds.length + 1] ?? 0) + seconds * times
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function amount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : null
}

const STATES = ['open', 'ended', 'failed'] as const
const SHARD_ID = /^[\w.-]{1,128}$/
const LONGEST_TEXT = 300
const MOST_REFUSALS = 20
