// What a forEach is asked to do: its handler, how many at once, which records wait for each other, and what becomes of
// a record whose handler fails.

import { formatPosition } from '../checkpoint/position.ts'
import { type RetrySchedule, retrySchedule } from '../checkpoint/retry.ts'
import { UsageError } from '../errors.ts'
import { refuseUnknown } from '../nearest.ts'
import type { Position } from '../protocol/messages.ts'
import type { KinesisRecord } from '../record.ts'
import type { RecordHandler } from './batch.ts'
import { type BatchOptions, readSizes, SIZES, type Sizes } from './batch-iterator.ts'
import type { ErrorDecision, ForEachOptions } from './handler.ts'

/** How `session.forEach` runs its handlers, and how large its batches are. */
export type SessionForEachOptions = ForEachOptions & BatchOptions

/** A handler and how it is run. */
export interface Work {
  readonly handler: RecordHandler
  readonly onError: ForEachOptions['onError']
  readonly schedule: RetrySchedule
  readonly concurrency: number
  /** Which records wait for each other; null where none has to, or where one follows the other anyway. */
  readonly keyOf: ((record: KinesisRecord) => unknown) | null
  readonly sizes: Sizes | null
  /** Whether records of the next batch may start while the last of this one are at work. */
  readonly overlaps: boolean
}

/** Reads the arguments of forEach. Throws UsageError for odd ones. */
export function readWork(handler: RecordHandler, options: SessionForEachOptions, where: string): Work {
  if (typeof handler !== 'function') throw new UsageError(`${where}: the handler is not a function.`)
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`${where}: the options are an object, not ${String(options)}.`)
  }
  const { retry, onError, concurrency = 1, ordering, maxRecords, maxBytes, maxWait } = options
  refuseUnknown(options, ['concurrency', 'ordering', 'retry', 'onError', ...SIZES], where)
  if (onError !== undefined && typeof onError !== 'function') {
    throw new UsageError(`${where}: onError is not a function.`)
  }
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new UsageError(`${where}: concurrency is a whole number from 1, not ${String(concurrency)}.`)
  }
  const schedule = retrySchedule(retry, `${where}: retry`, 1)
  const sizes = readSizes({ maxRecords, maxBytes, maxWait }, where)
  const keyOf = readOrdering(ordering, where)
  const overlaps = sizes !== null && concurrency > 1
  return {
    handler,
    onError,
    schedule,
    concurrency,
    keyOf: concurrency === 1 ? null : keyOf,
    sizes,
    overlaps,
  }
}

function readOrdering(ordering: ForEachOptions['ordering'], where: string): Work['keyOf'] {
  if (ordering === undefined || ordering === 'partitionKey') return (record) => record.partitionKey
  if (ordering === 'none') return null
  if (typeof ordering === 'function') return ordering
  throw new UsageError(
    `${where}: ordering is 'partitionKey', 'none' or a function that gives a record's key, not ${String(ordering)}.`,
  )
}

/** What to do about a record whose tries are used up. Throws an AggregateError where onError fails as well. */
export async function decide(
  { onError }: Work,
  error: unknown,
  record: KinesisRecord,
  tries: number,
): Promise<ErrorDecision> {
  if (onError === undefined) return 'stop'
  try {
    const decision: unknown = await onError(error, record, tries)
    return decision === 'retry' || decision === 'skip' ? decision : 'stop'
  } catch (second) {
    throw new AggregateError([error, second], 'The handler failed, and then onError did.')
  }
}

/** The error itself, with the position of its record in its message; around what is no Error, one that has it as cause. */
export function withPosition(error: unknown, position: Position): unknown {
  const where = ` (at record ${formatPosition(position)})`
  if (!(error instanceof Error))
    return new Error(`A handler threw ${String(error)}${where}`, { cause: error })
  try {
    const { message, stack } = error
    if (message.endsWith(where)) return error
    error.message = `${message}${where}`
    // The text that is printed was made when the error was.
    if (stack?.includes(message)) error.stack = stack.replace(message, () => error.message)
  } catch {
    // A frozen one goes up as it is.
  }
  return error
}

/** Whether a handler's answer is to be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
