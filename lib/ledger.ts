// What of a shard is finished, and what of that is stored: asks the policy, and hands positions to the checkpointer.

import { askPolicy, type CheckpointPolicy, type CheckpointProgress } from './checkpoint/policy.ts'
import { Progress } from './checkpoint/progress.ts'
import type { RetrySchedule } from './checkpoint/retry.ts'
import { Checkpointer, SHARD_END, type Target } from './checkpointer.ts'
import { Delivery } from './delivery.ts'
import type { CheckpointError, KclError } from './errors.ts'
import type { Position, Shard, WireRecord } from './protocol/messages.ts'
import { isSequenceNumber } from './protocol/messages.ts'
import type { Clock } from './time.ts'

/** What the ledger asks of its loop. */
export interface LedgerPort {
  readonly clock: Clock
  readonly policy: CheckpointPolicy
  readonly schedule: RetrySchedule
  allowed(): boolean
  send(position: Position | null): void
  leaseLost(): void
  gaveUp(error: CheckpointError): void
  waitersChanged(): void
}

/** Figures of a session. */
export interface Stats {
  /** Batches acknowledged; empty ones do not count. */
  readonly batches: number
  /** Records finished. */
  readonly records: number
  /** Decoded data of the records finished. */
  readonly bytes: number
  /** Checkpoints stored. */
  readonly checkpoints: number
  /** Checkpoint tries after the first. */
  readonly retries: number
  /** Records finished by `skipRest()` without being handed out, or by `'skip'` in `forEach`. */
  readonly skipped: number
  /** How far the last batch was read behind the tip of the shard, in milliseconds; null if unknown. */
  readonly millisBehindLatest: number | null
}

/** The accounts of one shard. */
export class Ledger {
  readonly #port: LedgerPort
  readonly #progress = new Progress()
  readonly #checkpointer: Checkpointer
  readonly #counts = { batches: 0, checkpoints: 0, retries: 0, skipped: 0 }
  #millisBehindLatest: number | null = null

  constructor(port: LedgerPort) {
    this.#port = port
    this.#checkpointer = new Checkpointer({
      clock: port.clock,
      schedule: port.schedule,
      allowed: () => port.allowed(),
      send: (target) => port.send(target === SHARD_END ? null : target),
      stored: (target) => this.#stored(target),
      failed: (target) => {
        if (target !== SHARD_END) this.#progress.failed(target)
      },
      leaseLost: () => port.leaseLost(),
      gaveUp: (error) => port.gaveUp(error),
      retried: () => {
        this.#counts.retries += 1
      },
      waitersChanged: () => port.waitersChanged(),
    })
  }

  get stats(): Stats {
    const { records, bytes } = this.#progress
    return { ...this.#counts, records, bytes, millisBehindLatest: this.#millisBehindLatest }
  }

  /** The last finished position of this process; null before the first. */
  get finishedThrough(): Position | null {
    return this.#progress.position
  }

  /** The last stored position; null before the first. */
  get checkpointed(): Position | null {
    return this.#checkpointer.stored
  }

  get hasWaiters(): boolean {
    return this.#checkpointer.hasWaiters
  }

  startAt({ sequenceNumber, subSequenceNumber }: Shard): void {
    if (isSequenceNumber(sequenceNumber)) this.#checkpointer.startAt({ sequenceNumber, subSequenceNumber })
  }

  /** Opens the account of a batch; null for an empty one. */
  deliver(records: readonly WireRecord[], millisBehindLatest: number | null): Delivery | null {
    this.#millisBehindLatest = millisBehindLatest
    return records.length === 0 ? null : new Delivery(records, millisBehindLatest, this.#progress)
  }

  acknowledged(): void {
    this.#counts.batches += 1
  }

  skipped(records: number): void {
    this.#counts.skipped += records
  }

  /** Takes a record as finished; asks the policy if the watermark moved. Throws what the policy throws. */
  finish(delivery: Delivery, index: number): void {
    if (delivery.finish(index, this.#port.clock.now())) this.askPolicy('record', delivery)
  }

  /** Takes all records of a batch as finished. */
  finishAll(delivery: Delivery): void {
    delivery.finishBefore(delivery.size, this.#port.clock.now())
  }

  /** Asks the policy, and stores what is finished in the background if it says so. Throws what the policy throws. */
  askPolicy(after: CheckpointProgress['after'], delivery: Delivery | null): void {
    if (this.#checkpointer.cooling) return
    const endsAggregate = delivery?.endsAggregate ?? true
    const millisBehindLatest = this.#millisBehindLatest
    const progress = this.#progress.since(
      { after, endsAggregate, millisBehindLatest },
      this.#port.clock.now(),
    )
    if (progress === null || !askPolicy(this.#port.policy, progress)) return
    this.#markAsked()
    this.#checkpointer.automatic(progress.position)
  }

  /** Stores the last finished position. True where nothing is finished. */
  storeFinished(): Promise<boolean> {
    const { position } = this.#progress
    if (position === null) return Promise.resolve(true)
    this.#markAsked()
    return this.#checkpointer.explicit(position)
  }

  /** Stores the position of a record by the user's word, and so finishes what lies before it. */
  store(delivery: Delivery, index: number): Promise<boolean> {
    const mark = delivery.markAt(index)
    if (mark === undefined) return Promise.resolve(true)
    this.#progress.asked(mark)
    const stored = this.#checkpointer.explicit(mark.position).then((done) => {
      if (done) delivery.finishBefore(index + 1, this.#port.clock.now())
      return done
    })
    if (index === delivery.size - 1) {
      const settled = (): void => {
        delivery.covering -= 1
      }
      delivery.covering += 1
      stored.then(settled, settled)
    }
    return stored
  }

  /** Stores the end of the shard. */
  storeShardEnd(): Promise<boolean> {
    return this.#checkpointer.explicit(SHARD_END)
  }

  answered(exception: string | null): void {
    this.#checkpointer.answered(exception)
  }

  /** Sends what was held until an action allows it. */
  resume(): void {
    this.#checkpointer.resume()
  }

  /** Resolves when the daemon owes no answer. */
  quiet(): Promise<void> {
    return this.#checkpointer.quiet()
  }

  /** Resolves when no explicit checkpoint is pending. */
  settled(): Promise<void> {
    return this.#checkpointer.settled()
  }

  close(reason: 'lease lost' | KclError): void {
    this.#checkpointer.close(reason)
  }

  #stored(target: Target): void {
    this.#counts.checkpoints += 1
    const position = target === SHARD_END ? this.#progress.position : target
    if (position !== null) this.#progress.stored(position)
  }

  #markAsked(): void {
    const { position, records, bytes } = this.#progress
    if (position !== null) this.#progress.asked({ position, records, bytes, nextAt: null })
  }
}
