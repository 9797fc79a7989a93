// The one seat at a shard: which loop is live, and whether it waits for a batch. A loop is live from its first next()
// to its end; a second one, or a second next() while one is pending, is told so.

import type { RecordBatch } from './batch.ts'
import { UsageError } from './errors.ts'

/** What next() and return() of a loop resolve to. */
export type BatchResult = IteratorResult<RecordBatch, undefined>

/** What the iterator asks of its loop. */
export interface SeatPort {
  next(iterator: BatchIterator): Promise<BatchResult>
  leave(iterator: BatchIterator): Promise<BatchResult>
}

/** The iterator in the user's hands. Written by hand: a generator would queue return() behind a pending next(). */
export class BatchIterator implements AsyncIterableIterator<RecordBatch> {
  done = false
  readonly #port: SeatPort

  constructor(port: SeatPort) {
    this.#port = port
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<BatchResult> {
    return this.#port.next(this)
  }

  return(): Promise<BatchResult> {
    return this.#port.leave(this)
  }
}

/** Who sits at the shard. */
export class Seat {
  #live: BatchIterator | null = null
  #pending: PendingNext | null = null

  /** Whether a loop is live. */
  get taken(): boolean {
    return this.#live !== null
  }

  /** Whether the live loop waits for a batch. */
  get waiting(): boolean {
    return this.#pending !== null
  }

  holds(iterator: BatchIterator): boolean {
    return this.#live === iterator
  }

  /** Throws UsageError when the iterator may not ask for a batch now. */
  check(iterator: BatchIterator): void {
    if (this.#live !== null && this.#live !== iterator) throw new UsageError(SECOND_LOOP)
    if (this.#pending !== null) throw new UsageError(NEXT_PENDING)
  }

  /** The iterator is live, and waits. */
  ask(iterator: BatchIterator): Promise<BatchResult> {
    this.#live = iterator
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
    })
  }

  /** Gives the loop what it waits for. */
  give(batch: RecordBatch): void {
    const pending = this.#pending
    this.#pending = null
    pending?.resolve({ done: false, value: batch })
  }

  /** The live loop is over; what it waits for ends in `error`, or is done. */
  vacate(error?: { readonly reason: unknown }): void {
    const pending = this.#pending
    if (this.#live !== null) this.#live.done = true
    this.#live = null
    this.#pending = null
    if (error === undefined) pending?.resolve(DONE)
    else pending?.reject(error.reason)
  }
}

/** The end of a loop. */
export const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

interface PendingNext {
  readonly resolve: (result: BatchResult) => void
  readonly reject: (error: unknown) => void
}

const SECOND_LOOP =
  'A second loop over session.batches() was started while the first is live. One loop consumes the shard: leave the first one, or close the session.'
const NEXT_PENDING =
  'next() was called while another is pending. Ask for one batch at a time, as for await does: asking for the next batch acknowledges the one in hand.'
