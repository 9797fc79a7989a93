// One attempt at a batch: what was handed out, what is finished, and which record a checkpoint without an argument
// means. The inner loop lives here. An attempt is over when its loop is left, or the next batch is asked for.

import { setMaxListeners } from 'node:events'
import { formatPosition, isPosition } from './checkpoint/position.ts'
import type { Delivery } from './delivery.ts'
import { type KclError, UsageError } from './errors.ts'
import type { Position } from './protocol/messages.ts'
import type { KinesisRecord } from './record.ts'

/** What a batch asks of its session. */
export interface BatchPort {
  shardId(): string
  /** Whether records may be handed out: not once the lease is lost. Throws what the session failed with. */
  handsOut(): boolean
  /** Takes a record as finished and asks the policy. Throws what the policy throws. */
  finished(delivery: Delivery, index: number): void
  /** Takes all records as finished without asking the policy. */
  finishedAll(delivery: Delivery): void
  /** Stores the position of a record, explicitly. */
  store(delivery: Delivery, index: number): Promise<boolean>
  /** Stores the last finished position, of whichever batch. */
  storeFinished(): Promise<boolean>
  skipped(records: number): void
  /** A promise to wait for, when the event loop has not turned for too long. */
  turn(): Promise<void> | null
}

/** One handing out of a delivery. */
export class Attempt {
  readonly delivery: Delivery
  readonly number: number
  readonly port: BatchPort
  /** The handler style finishes records in its own order, and has no current one. */
  byHandler = false
  #inner: RecordIterator | null = null
  #handedOut = 0
  #left = false
  #skipped = false
  #over: UsageError | null = null
  #aborted: KclError | null = null
  #controller: AbortController | null = null

  constructor(delivery: Delivery, port: BatchPort) {
    this.delivery = delivery
    this.port = port
    delivery.attempts += 1
    this.number = delivery.attempts
  }

  /** Whether records were left behind: asking for the next batch would lose them. */
  get leftEarly(): boolean {
    return (this.#inner !== null || this.#left) && !this.delivery.complete
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      setMaxListeners(0, this.#controller.signal)
      const reason = this.#aborted ?? this.#over
      if (reason !== null) this.#controller.abort(reason)
    }
    return this.#controller.signal
  }

  abort(reason: KclError): void {
    this.#aborted ??= reason
    this.#controller?.abort(reason)
  }

  /** The attempt is over; `why` is for those who still hold on to it. */
  end(why: string): void {
    this.#over ??= new UsageError(`This attempt at the batch is over: ${why}.`)
    this.#controller?.abort(this.#over)
  }

  iterate(): AsyncIterableIterator<KinesisRecord> {
    return new RecordIterator(this)
  }

  skipRest(): void {
    this.#refuseOver('skipRest()')
    this.port.skipped(this.delivery.size - Math.max(this.delivery.watermark, this.#handedOut))
    this.#skipped = true
    this.port.finishedAll(this.delivery)
  }

  async checkpoint(at?: Position): Promise<boolean> {
    const index = at === undefined ? this.#lastMeant() : this.#indexOf(at)
    return index < 0 ? this.port.storeFinished() : this.port.store(this.delivery, index)
  }

  /** Whether records may be handed out: not once the lease is lost. Throws where the attempt is over, or the session failed. */
  goesOn(): boolean {
    if (!this.port.handsOut()) return false
    if (this.#over !== null) throw this.#over
    return true
  }

  /** Called by the inner loop at each step: whether it may go on. Throws when it must not. */
  enter(iterator: RecordIterator): boolean {
    if (!this.goesOn()) return false
    if (this.#inner !== null && this.#inner !== iterator) {
      throw new UsageError(
        'A second loop over this batch was started while the first is live. Leave the first one, or use batch.records.',
      )
    }
    this.#inner = iterator
    this.#left = false
    return !this.#skipped
  }

  /** Called by the inner loop: the record at `index` is in the user's hands now. */
  handedOut(index: number): void {
    this.#handedOut = Math.max(this.#handedOut, index + 1)
  }

  /** Called by the inner loop when it ended; `left` when it was left before its end. */
  leave(iterator: RecordIterator, left: boolean): void {
    if (this.#inner !== iterator) return
    this.#inner = null
    this.#left = left
  }

  // The index of the record that a checkpoint without an argument means; -1 where nothing of this batch is finished.
  #lastMeant(): number {
    this.#refuseOver('checkpoint() without an argument')
    const whole = this.delivery.size - 1
    if (this.#skipped) return whole
    if (this.byHandler || this.#left) return this.delivery.watermark - 1
    if (this.#inner === null) return whole
    // Before its first record there is no current one, but an earlier attempt may have finished some.
    return Math.max(this.#inner.index, this.delivery.watermark - 1)
  }

  #indexOf(at: Position): number {
    const index = this.delivery.indexOf(at)
    if (index < 0) {
      const what = isPosition(at)
        ? `position ${formatPosition(at)} is not in this batch`
        : `${at} is no position`
      throw new UsageError(`checkpoint(at): ${what}. Give a record of this batch, or its position.`)
    }
    if (this.#over !== null && !this.delivery.isFinished(index)) {
      throw new UsageError(
        `checkpoint(at): this attempt is over, and the record at ${formatPosition(at)} was not finished in it.`,
      )
    }
    return index
  }

  #refuseOver(method: string): void {
    if (this.#over !== null) throw new UsageError(`${method}: ${this.#over.message}`)
  }
}

/** The inner loop: hands out the records that are not finished yet, one at a time, in order. */
class RecordIterator implements AsyncIterableIterator<KinesisRecord> {
  readonly #attempt: Attempt
  #index = -1
  #done = false
  #pending = false

  constructor(attempt: Attempt) {
    this.#attempt = attempt
  }

  /** The index of the record in the user's hands. */
  get index(): number {
    return this.#index
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<KinesisRecord, undefined>> {
    if (this.#pending) return Promise.reject(new UsageError(NEXT_PENDING))
    if (this.#done) return Promise.resolve(DONE)
    try {
      if (!this.#attempt.enter(this)) return Promise.resolve(this.#finish())
      const { port, delivery } = this.#attempt
      if (this.#index >= 0) port.finished(delivery, this.#index)
      const turn = port.turn()
      if (turn === null) return Promise.resolve(this.#handOut())
      return this.#handOutAfter(turn)
    } catch (error) {
      this.#done = true
      return Promise.reject(error)
    }
  }

  return(): Promise<IteratorResult<KinesisRecord, undefined>> {
    if (!this.#done) {
      this.#done = true
      this.#attempt.leave(this, true)
    }
    return Promise.resolve(DONE)
  }

  async #handOutAfter(turn: Promise<void>): Promise<IteratorResult<KinesisRecord, undefined>> {
    this.#pending = true
    try {
      await turn
      if (this.#done) return DONE
      return this.#attempt.enter(this) ? this.#handOut() : this.#finish()
    } catch (error) {
      this.#done = true
      throw error
    } finally {
      this.#pending = false
    }
  }

  #handOut(): IteratorResult<KinesisRecord, undefined> {
    const { delivery } = this.#attempt
    this.#index = this.#index < 0 ? delivery.watermark : this.#index + 1
    const value = delivery.records[this.#index]
    if (value === undefined) return this.#finish()
    this.#attempt.handedOut(this.#index)
    return { done: false, value }
  }

  #finish(): IteratorResult<KinesisRecord, undefined> {
    this.#done = true
    this.#attempt.leave(this, false)
    return DONE
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }
const NEXT_PENDING =
  'next() was called while another is pending. Ask for one record at a time, as for await does.'
