// The record-handler style: one handler per record, over the same loop and the same promise. A handler that fails is
// tried again as told; what then still fails stops the loop, and the batch stays unacknowledged.

import type { Attempt } from './attempt.ts'
import { attemptOf, type RecordBatch } from './batch.ts'
import { type RetryOptions, type RetrySchedule, retryDelay, retrySchedule } from './checkpoint/retry.ts'
import { UsageError } from './errors.ts'
import type { Logger } from './io/log.ts'
import type { KinesisRecord } from './record.ts'
import type { Clock } from './time.ts'

/**
 * Handles one record. Resolving to `true` asks for a checkpoint at that record. The type leaves out `false`, so that
 * a handler whose last expression happens to be a boolean does not compile.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is the ordinary one
export type RecordHandler = (record: KinesisRecord, batch: RecordBatch) => void | true | Promise<void | true>

/** What to do about a record whose handler failed: one more try, give the record up, or leave the loop with the error. */
export type ErrorDecision = 'retry' | 'skip' | 'stop'

/** How `forEach` deals with failures. */
export interface ForEachOptions {
  /** Tries in all, 1 by default, and the delays between them, which default as those of `checkpointRetry`. */
  readonly retry?: RetryOptions
  /**
   * Asked when the tries are used up; `attempt` is how many there were. `'retry'` is one more after `maxDelay`;
   * anything else but `'skip'` stops, and so does a throw, with an AggregateError of both.
   */
  readonly onError?: (
    error: unknown,
    record: KinesisRecord,
    attempt: number,
  ) => ErrorDecision | Promise<ErrorDecision>
}

/** What the handler style asks of its session. */
export interface ForEachPort {
  readonly clock: Clock
  readonly log: Logger
  batches(): AsyncIterable<RecordBatch>
  /** Stores the last finished position, unless the policy leaves that to the user. */
  storeAtStop(): Promise<unknown>
}

/** Hands each record to the handler, in order, one at a time. Throws UsageError for odd options. */
export async function forEach(
  port: ForEachPort,
  handler: RecordHandler,
  options: ForEachOptions = {},
): Promise<void> {
  const schedule = checkOptions(handler, options)
  const work: Work = { port, handler, onError: options.onError, schedule }
  for await (const batch of port.batches()) {
    const attempt = attemptOf(batch)
    attempt.byHandler = true
    try {
      await handleBatch(work, batch, attempt)
    } catch (error) {
      await storeBeforeStop(port)
      throw error
    }
  }
}

interface Work {
  readonly port: ForEachPort
  readonly handler: RecordHandler
  readonly onError: ForEachOptions['onError']
  readonly schedule: RetrySchedule
}

async function handleBatch(work: Work, batch: RecordBatch, attempt: Attempt): Promise<void> {
  const { delivery, port } = attempt
  for (let index = delivery.watermark; index < delivery.size; index += 1) {
    const record = delivery.records[index]
    if (record === undefined || !attempt.goesOn()) return
    const outcome = await handleRecord(work, record, batch, attempt)
    if (outcome === 'lease lost') return
    port.finished(delivery, index)
    if (outcome === 'checkpoint') {
      port.store(delivery, index).catch((error) => {
        work.port.log.warn('The checkpoint that a handler asked for failed; a later one will cover it', {
          error,
        })
      })
    }
    await port.turn()
  }
}

async function handleRecord(
  work: Work,
  record: KinesisRecord,
  batch: RecordBatch,
  attempt: Attempt,
): Promise<'done' | 'checkpoint' | 'lease lost'> {
  const { schedule } = work
  for (let tries = 1; ; tries += 1) {
    try {
      return (await work.handler(record, batch)) === true ? 'checkpoint' : 'done'
    } catch (error) {
      if (!attempt.port.handsOut()) {
        work.port.log.warn('A handler failed after the lease was lost, which is no longer our concern', {
          error,
        })
        return 'lease lost'
      }
      const decision = tries < schedule.attempts ? 'again' : await decide(work, error, record, tries)
      if (decision === 'skip') {
        attempt.port.skipped(1)
        return 'done'
      }
      if (decision === 'stop') throw error
      const delay = decision === 'retry' ? schedule.maxDelay : retryDelay(schedule, tries, Math.random)
      await wait(work.port.clock, delay, batch.signal)
      if (!attempt.goesOn()) return 'lease lost'
    }
  }
}

async function decide(
  work: Work,
  error: unknown,
  record: KinesisRecord,
  tries: number,
): Promise<ErrorDecision> {
  if (work.onError === undefined) return 'stop'
  try {
    const decision: unknown = await work.onError(error, record, tries)
    return decision === 'retry' || decision === 'skip' ? decision : 'stop'
  } catch (second) {
    throw new AggregateError([error, second], 'The handler failed, and then onError did.')
  }
}

// The error of the handler matters more than one of this checkpoint: without it more records come again.
async function storeBeforeStop(port: ForEachPort): Promise<void> {
  try {
    await port.storeAtStop()
  } catch (error) {
    port.log.warn('What was finished before the stop could not be stored; it will be delivered again', {
      error,
    })
  }
}

function wait(clock: Clock, delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delay, done)
    signal.addEventListener('abort', done)
  })
}

function checkOptions(handler: unknown, options: ForEachOptions): RetrySchedule {
  if (typeof handler !== 'function') throw new UsageError('forEach(handler): the handler is not a function.')
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`forEach(): the options are an object, not ${String(options)}.`)
  }
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`forEach(): the options are an object, not ${String(options)}.`)
  }
  const { retry, onError, ...unknown } = options
  const [stray] = Object.keys(unknown)
  if (stray !== undefined) {
    throw new UsageError(`forEach(): ${stray} is not an option; there are retry and onError.`)
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw new UsageError('forEach(): onError is not a function.')
  }
  return retrySchedule(retry, 'forEach(): retry', 1)
}
