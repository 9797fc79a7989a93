// The outer iterator and the lock of the shard: which loop is live, and whether it waits for a batch. A loop is live
// from its first next() to its end; a second one, or a second next() before the first is delivered, is told so.

import { UsageError } from '../errors.ts'
import { refuseUnknown } from '../nearest.ts'
import { type DurationInput, toMilliseconds } from '../time.ts'
import type { RecordBatch } from './batch.ts'
import type { Limits } from './segments.ts'

/** What next() and return() of a loop resolve to. */
export type BatchResult = IteratorResult<RecordBatch, undefined>

/**
 * Batches of one's own size, filled from as many deliveries of the daemon as it takes, and cut from large ones. A batch
 * is handed out when it is full, when its first record has waited for `maxWait`, or when the shard or the lease ends.
 * Without any of these a batch is what the daemon delivered.
 */
export interface BatchOptions {
  /** Records in a batch, at most. */
  readonly maxRecords?: number | undefined
  /** Bytes of decoded data in a batch, at most; a single larger record is a batch of its own. */
  readonly maxBytes?: number | undefined
  /** How long a record may wait for its batch to fill; without it, as long as that takes. */
  readonly maxWait?: DurationInput | undefined
}

/** BatchOptions, read and checked. */
export interface Sizes extends Limits {
  /** Milliseconds; null for as long as it takes. */
  readonly maxWait: number | null
}

/** The names of the options. */
export const SIZES: readonly string[] = ['maxRecords', 'maxBytes', 'maxWait']

/** Reads the sizes of `where`; null where there are none. Throws UsageError for anything odd. */
export function readSizes(options: BatchOptions | undefined, where: string): Sizes | null {
  if (options === undefined) return null
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(
      `${where} takes an object such as { maxRecords: 500, maxWait: 'PT10S' }, not ${options}.`,
    )
  }
  const { maxRecords, maxBytes, maxWait } = options
  refuseUnknown(options, SIZES, where)
  if (maxRecords === undefined && maxBytes === undefined && maxWait === undefined) return null
  return {
    maxRecords: limit(maxRecords, `${where}: maxRecords`),
    maxBytes: limit(maxBytes, `${where}: maxBytes`),
    maxWait: maxWait === undefined ? null : toMilliseconds(maxWait, `${where}: maxWait`),
  }
}

function limit(value: number | undefined, where: string): number {
  if (value === undefined) return Number.POSITIVE_INFINITY
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new UsageError(`${where} is a whole number from 1, not ${String(value)}.`)
}

/** What the iterator asks of its loop. */
export interface BatchSource {
  next(iterator: BatchIterator): Promise<BatchResult>
  leave(iterator: BatchIterator): Promise<BatchResult>
}

/** The iterator in the user's hands. Written by hand: a generator would queue return() behind a pending next(). */
export class BatchIterator implements AsyncIterableIterator<RecordBatch> {
  done = false
  /** How large its batches are; null for those of the daemon. */
  readonly sizes: Sizes | null
  /** Whether asking for the next batch leaves the one in hand at work: handlers say by themselves what is finished. */
  readonly overlaps: boolean
  readonly #source: BatchSource

  constructor(source: BatchSource, sizes: Sizes | null, overlaps = false) {
    this.#source = source
    this.sizes = sizes
    this.overlaps = overlaps
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<BatchResult> {
    return this.#source.next(this)
  }

  return(): Promise<BatchResult> {
    return this.#source.leave(this)
  }
}

/** Who has the shard. */
export class Lock {
  #holder: BatchIterator | null = null
  #pending: PendingNext | null = null
  // What the last next() resolved to has not reached whoever called.
  #undelivered = false

  /** The live loop. */
  get holder(): BatchIterator | null {
    return this.#holder
  }

  /** Whether the live loop waits for a batch. */
  get waiting(): boolean {
    return this.#pending !== null
  }

  /** Throws UsageError when the iterator may not ask for a batch now. */
  check(iterator: BatchIterator): void {
    if (this.#holder !== null && this.#holder !== iterator) throw new UsageError(SECOND_LOOP)
    if (this.waiting || this.#undelivered) throw new UsageError(NEXT_PENDING)
  }

  /** The iterator is live, and waits. */
  ask(iterator: BatchIterator): Promise<BatchResult> {
    this.#holder = iterator
    return new Promise<BatchResult>((resolve, reject) => {
      this.#pending = { resolve, reject }
    })
  }

  /** Gives the loop what it waits for. */
  give(batch: RecordBatch): void {
    const pending = this.#pending
    this.#pending = null
    this.#undelivered = true
    // Ours is the first to hear of it: the caller's own reaction may ask for the next one.
    void NOW.then(this.#delivered)
    pending?.resolve({ done: false, value: batch })
  }

  /** The live loop is over; what it waits for ends in `error`, or is done. */
  release(error?: { readonly reason: unknown }): void {
    const pending = this.#pending
    if (this.#holder !== null) this.#holder.done = true
    this.#holder = null
    this.#pending = null
    this.#undelivered = false
    if (error === undefined) pending?.resolve(DONE)
    else pending?.reject(error.reason)
  }

  readonly #delivered = (): void => {
    this.#undelivered = false
  }
}

/** The end of a loop. */
export const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

interface PendingNext {
  readonly resolve: (result: BatchResult) => void
  readonly reject: (error: unknown) => void
}

const NOW = Promise.resolve()
const SECOND_LOOP =
  'A second loop over session.batches() was started while the first is live. One loop consumes the shard: leave the first one, or close the session.'
const NEXT_PENDING =
  'next() was called while another is pending. Ask for one batch at a time, as for await does: asking for the next batch acknowledges the one in hand.'
