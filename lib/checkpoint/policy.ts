// Checkpoint policies: when a position that is finished should be stored without being asked. Each is one pure
// method over what happened since the last time; the session asks it, and does the storing.

import { UsageError } from '../errors.ts'
import type { Position } from '../protocol/messages.ts'
import { type DurationInput, toMilliseconds } from '../time.ts'

/**
 * Decides when finished records are stored. Must be synchronous; anything but `true` is a no.
 *
 * @example
 * new KclSession({ policy: { shouldCheckpoint: ({ records, endsAggregate }) => records > 100 && endsAggregate } })
 */
export interface CheckpointPolicy {
  /** Whether a position is to be stored now. */
  shouldCheckpoint(progress: CheckpointProgress): boolean
  /** Whether the last finished position is stored when the daemon asks for shutdown; true where it is left out. */
  readonly atShutdown?: boolean | undefined
  /** Whether it is asked after each record, too; true where it is left out. With false a record costs it nothing. */
  readonly perRecord?: boolean | undefined
  /** It is not asked after a record before `elapsed` is so many milliseconds; 0 where it is left out. Until then a record costs it next to nothing. */
  readonly quietFor?: number | undefined
}

/**
 * What has been finished since the position last asked for; what a failed checkpoint had asked for counts again.
 * A policy is only asked when there is something new to store.
 */
export interface CheckpointProgress {
  /** A record was finished, a batch was finished, or an empty batch came (the shard is idle). */
  readonly after: 'record' | 'batch' | 'idle'
  readonly records: number
  /** Of decoded data. */
  readonly bytes: number
  /** Milliseconds, monotonic, since the first finished record that was not yet asked for. */
  readonly elapsed: number
  /** What would be stored. */
  readonly position: Position
  /** The next record has another sequence number, or there is none: false inside an aggregated record. */
  readonly endsAggregate: boolean
  /** How far the shard was read behind its tip when the batch came; null if the daemon did not say. */
  readonly millisBehindLatest: number | null
}

/**
 * Checkpoints when the oldest finished record that is not stored has waited this long. It goes by when a record was
 * finished, not by when the watermark passed it.
 *
 * @example
 * new KclSession({ policy: everyInterval('PT1M') })
 */
export function everyInterval(interval: DurationInput): CheckpointPolicy {
  return everyMilliseconds(toMilliseconds(interval, 'everyInterval'))
}

/** The same, of a time that is known. */
export function everyMilliseconds(limit: number): CheckpointPolicy {
  const policy: CheckpointPolicy = { shouldCheckpoint: ({ elapsed }) => elapsed >= limit, quietFor: limit }
  timed.add(policy)
  return policy
}

/** Whether a policy goes by the time alone, so that nobody need ask it before `quietFor`, after a batch neither. */
export function goesByTime(policy: CheckpointPolicy): boolean {
  return timed.has(policy)
}

const timed = new WeakSet<CheckpointPolicy>()

/**
 * Checkpoints when `count` records are finished since the last time.
 *
 * @example
 * new KclSession({ policy: everyRecords(1000) })
 */
export function everyRecords(count: number): CheckpointPolicy {
  const limit = wholeNumber(count, 'everyRecords')
  return { shouldCheckpoint: ({ records }) => records >= limit }
}

/**
 * Checkpoints when `count` bytes of decoded data are finished since the last time.
 *
 * @example
 * new KclSession({ policy: everyBytes(2 ** 20) })
 */
export function everyBytes(count: number): CheckpointPolicy {
  const limit = wholeNumber(count, 'everyBytes')
  return { shouldCheckpoint: ({ bytes }) => bytes >= limit }
}

/**
 * Checkpoints at the end of each batch, and when the shard is idle.
 *
 * @example
 * new KclSession({ policy: everyBatch() })
 */
export function everyBatch(): CheckpointPolicy {
  return { shouldCheckpoint: ({ after }) => after !== 'record', perRecord: false }
}

/**
 * Never checkpoints by itself, nor at shutdown: only `checkpoint()` does. For those who buffer across batches.
 *
 * @example
 * new KclSession({ policy: manual() })
 */
export function manual(): CheckpointPolicy {
  return { shouldCheckpoint: () => false, atShutdown: false, perRecord: false }
}

/**
 * Checkpoints when any of the policies would, and at shutdown if any of them does.
 *
 * @example
 * new KclSession({ policy: anyOf(everyInterval({ minutes: 1 }), everyRecords(1000)) })
 */
export function anyOf(...policies: CheckpointPolicy[]): CheckpointPolicy {
  checkPolicies(policies, 'anyOf')
  return {
    shouldCheckpoint: (progress) => countYes(policies, progress) > 0,
    atShutdown: policies.some((policy) => policy.atShutdown !== false),
    perRecord: policies.some((policy) => policy.perRecord !== false),
    quietFor: quietForAll(policies),
  }
}

/**
 * Checkpoints when all of the policies would, and at shutdown if all of them do.
 *
 * @example
 * new KclSession({ policy: allOf(everyInterval({ seconds: 1 }), everyRecords(1000)) })
 */
export function allOf(...policies: CheckpointPolicy[]): CheckpointPolicy {
  checkPolicies(policies, 'allOf')
  return {
    shouldCheckpoint: (progress) => countYes(policies, progress) === policies.length,
    atShutdown: policies.every((policy) => policy.atShutdown !== false),
    perRecord: policies.some((policy) => policy.perRecord !== false),
    quietFor: quietForAll(policies),
  }
}

/** Throws UsageError, naming the caller, for what is not a policy. */
export function checkPolicy(policy: unknown, where: string): asserts policy is CheckpointPolicy {
  const method = (policy as Partial<CheckpointPolicy> | null | undefined)?.shouldCheckpoint
  if (typeof method === 'function') return
  throw new UsageError(
    `${where} takes a policy: an object with a method shouldCheckpoint(progress), such as everyRecords(1000).`,
  )
}

/** Asks a policy, if it wants to be. Throws UsageError when it answers with a promise, which would always count as a yes. */
export function askPolicy(policy: CheckpointPolicy, progress: CheckpointProgress): boolean {
  if (progress.after === 'record' && policy.perRecord === false) return false
  const answer: unknown = policy.shouldCheckpoint(progress)
  if (answer === true || answer === false) return answer
  if (typeof (answer as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    // Nobody will look at it again; its failure must not end the process as an unhandled rejection.
    Promise.resolve(answer).catch(() => {})
    throw new UsageError(
      'shouldCheckpoint() answered with a promise. Policies are synchronous: answer true or false.',
    )
  }
  return false
}

// Those that are not asked after a record are quiet for good.
function quietForAll(policies: readonly CheckpointPolicy[]): number {
  return Math.min(
    ...policies.map(({ perRecord, quietFor = 0 }) =>
      perRecord === false ? Number.POSITIVE_INFINITY : quietFor,
    ),
  )
}

// Each is asked every time: one that counts for itself must see every step.
function countYes(policies: readonly CheckpointPolicy[], progress: CheckpointProgress): number {
  let count = 0
  for (const policy of policies) if (askPolicy(policy, progress)) count += 1
  return count
}

function checkPolicies(policies: readonly unknown[], where: string): void {
  if (policies.length === 0) throw new UsageError(`${where} takes one policy or more.`)
  for (const policy of policies) checkPolicy(policy, where)
}

function wholeNumber(value: unknown, where: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number
  throw new UsageError(`${where} takes a whole number from 1, not ${String(value)}.`)
}
