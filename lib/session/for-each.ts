// The record-handler style: one handler per record, over the same loop and the same promise. A handler that fails is
// tried again as told; what then still fails stops the loop, and the batch stays unacknowledged.

import { type RetrySchedule, retryDelay, retrySchedule } from '../checkpoint/retry.ts'
import { UsageError } from '../errors.ts'
import type { KinesisRecord } from '../record.ts'
import type { Clock } from '../time.ts'
import type { BatchOwner, ErrorDecision, ForEachOptions, RecordBatch, RecordHandler } from './batch.ts'
import { type BatchOptions, readSizes, type Sizes } from './batch-iterator.ts'

/** How `session.forEach` deals with failures, and how large its batches are. */
export type SessionForEachOptions = ForEachOptions & BatchOptions

/** A handler and how it is run. */
export interface Work {
  readonly handler: RecordHandler
  readonly onError: ForEachOptions['onError']
  readonly schedule: RetrySchedule
  readonly sizes: Sizes | null
}

/** Reads the arguments of forEach. Throws UsageError for odd ones. */
export function readWork(handler: RecordHandler, options: SessionForEachOptions, where: string): Work {
  if (typeof handler !== 'function') throw new UsageError(`${where}: the handler is not a function.`)
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`${where}: the options are an object, not ${String(options)}.`)
  }
  const { retry, onError, maxRecords, maxBytes, maxWait, ...unknown } = options
  const [stray] = Object.keys(unknown)
  if (stray !== undefined) {
    throw new UsageError(
      `${where}: ${stray} is not an option; there are retry, onError, maxRecords, maxBytes and maxWait.`,
    )
  }
  if (onError !== undefined && typeof onError !== 'function') {
    throw new UsageError(`${where}: onError is not a function.`)
  }
  const schedule = retrySchedule(retry, `${where}: retry`, 1)
  return { handler, onError, schedule, sizes: readSizes({ maxRecords, maxBytes, maxWait }, where) }
}

/** Hands each unfinished record of a batch to the handler, in order, one at a time. */
export async function handleBatch(owner: BatchOwner, batch: RecordBatch, work: Work): Promise<void> {
  batch.beginHandlers()
  try {
    await handleRecords(owner, batch, work)
  } catch (error) {
    await storeBeforeStop(owner)
    throw error
  } finally {
    batch.endHandlers()
  }
}

async function handleRecords(owner: BatchOwner, batch: RecordBatch, work: Work): Promise<void> {
  const { line } = owner.checkpointing
  const { from, to, records } = batch.window
  for (let number = Math.max(from, line.watermark); number < to; number += 1) {
    const record = records[number - from]
    if (line.isFinished(number)) continue
    if (record === undefined || !batch.goesOn()) return
    const outcome = await handleRecord(owner, record, batch, work)
    if (outcome === 'lease lost') return
    owner.finish(number)
    if (outcome === 'checkpoint') {
      owner.checkpointing.store(line.markAt(number, record)).catch((error) => {
        owner.log.warn('The checkpoint that a handler asked for failed; a later one will cover it', { error })
      })
    }
    await owner.turns.due()
  }
}

async function handleRecord(
  owner: BatchOwner,
  record: KinesisRecord,
  batch: RecordBatch,
  work: Work,
): Promise<'done' | 'checkpoint' | 'lease lost'> {
  const { schedule } = work
  for (let tries = 1; ; tries += 1) {
    try {
      const done = await owner.telemetry.record(record, tries, () => work.handler(record, batch))
      return done === true ? 'checkpoint' : 'done'
    } catch (error) {
      if (!owner.handsOut()) {
        owner.log.warn('A handler failed after the lease was lost, which is no longer our concern', { error })
        return 'lease lost'
      }
      const decision = tries < schedule.attempts ? 'again' : await decide(work, error, record, tries)
      if (decision === 'skip') {
        owner.skipped(1)
        return 'done'
      }
      if (decision === 'stop') throw error
      const delay = decision === 'retry' ? schedule.maxDelay : retryDelay(schedule, tries, Math.random)
      await wait(owner.clock, delay, batch.signal)
      if (!batch.goesOn()) return 'lease lost'
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
async function storeBeforeStop(owner: BatchOwner): Promise<void> {
  if (owner.policy.atShutdown === false) return
  try {
    await owner.checkpointing.storeFinished()
  } catch (error) {
    owner.log.warn('What was finished before the stop could not be stored; it will be delivered again', {
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
