// What the latest snapshot of a shard, and its age, mean: one word, by one table. The first rule that holds wins,
// and the words are the same everywhere: on the page, in the terminal, in the metrics. Pure; times in milliseconds.

import type { Snapshot } from '../report/snapshot.ts'

/** From the one to look at first to the one that needs nobody. */
export const STATES = [
  'stuck',
  'silent',
  'slow',
  'starving',
  'unreported',
  'starting',
  'draining',
  'working',
  'waiting',
  'gone',
] as const

/** How a shard is doing. */
export type ShardState = (typeof STATES)[number]

/** What is known of a shard from outside. */
export interface Sight {
  /** Its consumer is there: the connection or, without one, the process. */
  readonly present: boolean
  /** Since the consumer was announced, or connected. */
  readonly knownFor: number
  /** The latest report, and how long ago it came; null where none has come. */
  readonly report: {
    readonly age: number
    readonly snapshot: Pick<Snapshot, 'action' | 'progressMs' | 'readMs' | 'batch'>
  } | null
}

/** When a state begins. */
export interface Limits {
  /** Without progress for so long, a shard is stuck; 0: never. */
  readonly stuckAfter: number
  /** An idle shard that was not read for so long starves; null where the daemon delivers no empty batches. */
  readonly starvingAfter: number | null
}

/** The state of a shard. */
export function stateOf(sight: Sight, limits: Limits): ShardState {
  const { report } = sight
  if (!sight.present) return 'gone'
  if (report === null) return sight.knownFor >= UNREPORTED ? 'unreported' : 'starting'
  const still = withoutProgress(sight)
  const silent = report.age >= SILENT
  if (limits.stuckAfter > 0 && still >= limits.stuckAfter) return 'stuck'
  if (silent) return 'silent'
  const { action, readMs, batch } = report.snapshot
  if (action !== null) {
    if (still >= (isDone(batch) ? UNANSWERED : SLOW)) return 'slow'
    return action === 'initialize' ? 'starting' : action === 'processRecords' ? 'working' : 'draining'
  }
  const unread = readMs === null ? 0 : readMs + report.age
  return limits.starvingAfter !== null && unread >= limits.starvingAfter ? 'starving' : 'waiting'
}

/** Whether all records of a batch are finished, so that only a checkpoint can keep it from being acknowledged. */
export function isDone(batch: Snapshot['batch']): boolean {
  return batch !== null && batch.size > 0 && batch.finished === batch.size
}

/** How long a shard has had something to do, or has been silent, without getting on. */
export function withoutProgress({ report }: Sight): number {
  if (report === null) return 0
  const inHand = report.snapshot.action !== null
  if (inHand) return report.snapshot.progressMs + report.age
  return report.age >= SILENT ? report.age : 0
}

/** The lag now: it goes on growing between two snapshots, unless all that had arrived was finished. */
export function lagNow(lagMs: number | null, age: number): number | null {
  return lagMs === null || lagMs === 0 ? lagMs : lagMs + age
}

/** Whether a shard loses ground: far behind in all of five minutes' samples, and not nearer at the end. */
export function isFallingBehind(samples: readonly (number | null)[]): boolean {
  const first = samples.at(-FALLING_SAMPLES)
  const last = samples.at(-1)
  if (typeof first !== 'number' || typeof last !== 'number' || last < first) return false
  return samples.slice(-FALLING_SAMPLES).every((lag) => lag !== null && lag > FAR_BEHIND)
}

/** How long the daemon may leave an idle shard unread, by the pause that it makes between reads. */
export function starvingAfter(idleTime: number): number {
  return STARVING + 10 * idleTime
}

/** How far apart the samples are. */
export const SAMPLE_TIME = 10_000
/** So many make five minutes. */
export const FALLING_SAMPLES = 31
/** Without a hello for so long, a consumer is taken for one that does not report. */
export const UNREPORTED = 10_000
/** Snapshots come each second; after so long without one the event loop is blocked, or the process stopped. */
export const SILENT = 5000
export const SLOW = 60_000
/** A checkpoint takes milliseconds, and DynamoDB's client does not say that it is not answered. */
export const UNANSWERED = 10_000
const STARVING = 10_000
const FAR_BEHIND = 30_000
