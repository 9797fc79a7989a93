// What the user holds of a batch: its records, the inner loop, and the verbs.

import type { Attempt } from './attempt.ts'
import type { Position } from './protocol/messages.ts'
import type { KinesisRecord } from './record.ts'

/** The workings behind a batch, for the handler style. */
export let attemptOf: (batch: RecordBatch) => Attempt

/** One attempt at one batch of records of one shard. `for await (const record of batch)` hands them out in order. */
export class RecordBatch implements AsyncIterable<KinesisRecord> {
  readonly shardId: string
  /** How far this batch was read behind the tip of the shard, in milliseconds; null if the daemon did not say. */
  readonly millisBehindLatest: number | null
  /** Counts from 1; higher when the batch was handed out before and not acknowledged. */
  readonly attempt: number
  readonly #attempt: Attempt
  #records: KinesisRecord[] | null = null

  static {
    attemptOf = (batch) => batch.#attempt
  }

  /** @internal Batches come from `session.batches()`. */
  constructor(attempt: Attempt) {
    this.#attempt = attempt
    this.shardId = attempt.port.shardId()
    this.millisBehindLatest = attempt.delivery.millisBehindLatest
    this.attempt = attempt.number
  }

  /** All records of the batch, on every attempt. They are finished all at once, when the next batch is asked for. */
  get records(): KinesisRecord[] {
    // A copy: what the user does to the array must not change what is finished and stored.
    this.#records ??= this.#attempt.delivery.records.slice()
    return this.#records
  }

  /** Aborts when the attempt is over, when the lease is lost and when the session fails; the reason is a KclError. */
  get signal(): AbortSignal {
    return this.#attempt.signal
  }

  /**
   * Stores a position now. Without an argument: in the live inner loop, up to and including the current record; after
   * it ended, or where `records` is used, the whole batch; after it was left early, and in a handler of `forEach`, the
   * last finished record. With a record or position of this batch: exactly there.
   *
   * Resolves to true when everything up to there is stored, to false when the lease is lost. Rejects with
   * CheckpointError when it was refused for good, ChannelClosedError when the daemon is gone, and UsageError for a
   * position that is not of this batch or an attempt that is over.
   */
  checkpoint(at?: Position): Promise<boolean> {
    return this.#attempt.checkpoint(at)
  }

  /** Takes the rest of the batch as finished, the record in hand included. What was not handed out counts in `stats.skipped`. */
  skipRest(): void {
    this.#attempt.skipRest()
  }

  /** The inner loop: the records not finished yet, in order. One at a time. */
  [Symbol.asyncIterator](): AsyncIterableIterator<KinesisRecord> {
    return this.#attempt.iterate()
  }
}
