// What the user holds of a batch: its records, the inner loop, and the verbs. It is one attempt at one window of the
// line; it is over when its loop is left, or the next batch is asked for.

import { type InspectOptions, inspect } from 'node:util'
import { formatPosition, isPosition } from '../checkpoint/position.ts'
import { type KclError, UsageError } from '../errors.ts'
import type { Position } from '../protocol/messages.ts'
import type { KinesisRecord } from '../record.ts'
import type { ForEachOptions, HandlerContext } from './handler.ts'
import { Mode } from './mode.ts'
import type { Owner } from './owner.ts'
import { AsyncRecordIterator, RecordIterator, type Turns, Walk } from './record-iterator.ts'
import type { RecordLine } from './records.ts'
import { indexAt } from './segment.ts'
import type { Window } from './segments.ts'
import { LazySignal } from './signal.ts'

/**
 * Handles one record; a promise is awaited. Resolving to `true` asks for a checkpoint at that record; anything else
 * asks for nothing, so that a last expression may be what it likes.
 */
export type RecordHandler = (record: KinesisRecord, batch: RecordBatch, context: HandlerContext) => unknown

/** What a batch asks of its session. */
export type BatchOwner = Owner<RecordBatch>

/**
 * One attempt at one batch of records of one shard. `for await (const record of batch)` hands them out in order, and
 * so does `for (const record of batch)`, which is cheaper and lets nothing else run under a body that never waits.
 */
export class RecordBatch implements AsyncIterable<KinesisRecord>, Iterable<KinesisRecord> {
  readonly shardId: string
  /** How far this batch was read behind the tip of the shard, in milliseconds; null if the daemon did not say. */
  readonly millisBehindLatest: number | null
  /** Counts from 1; higher when the batch was handed out before and not acknowledged. */
  readonly attempt: number
  /** @internal */
  readonly window: Window
  readonly #owner: BatchOwner
  readonly #mode = new Mode()
  // One past the last record that this attempt handed out.
  #handedOut: number
  #records: KinesisRecord[] | null = null
  // Why the attempt is over.
  #over: string | null = null
  readonly #signal = new LazySignal()

  /** @internal Batches come from `session.batches()`. */
  constructor(window: Window, attempt: number, owner: BatchOwner) {
    this.window = window
    this.#owner = owner
    this.#handedOut = window.from
    this.shardId = owner.shard?.shardId ?? ''
    this.millisBehindLatest = window.millisBehindLatest
    this.attempt = attempt
  }

  /** All records of the batch, on every attempt. They are finished all at once, when the next batch is asked for. */
  get records(): KinesisRecord[] {
    this.#mode.touch()
    // A copy: what the user does to the array must not change what is finished and stored.
    this.#records ??= this.window.records.slice()
    return this.#records
  }

  /** Aborts when the attempt is over, when the lease is lost and when the session fails; the reason is a KclError. */
  get signal(): AbortSignal {
    return this.#signal.signal
  }

  /**
   * Stores a position now. Without an argument: in the live inner loop, up to and including the current record; after
   * it ended, or where `records` is used, the whole batch; after it was left early, and in a handler of `forEach`, the
   * last finished record. With a record or position of this batch: exactly there.
   *
   * Resolves to true when everything up to there is stored, to false when the lease is lost. Rejects with
   * CheckpointError when it was refused for good, ChannelClosedError when the daemon is gone, and UsageError for a
   * position that is not of this batch (`session.checkpoint(at)` takes those of others) or an attempt that is over.
   *
   * @example
   * const stored = await batch.checkpoint(record)
   */
  async checkpoint(at?: Position): Promise<boolean> {
    const number = at === undefined ? this.#lastMeant() : this.#numberOf(at)
    this.#mode.touch()
    const record = this.window.records[number - this.window.from]
    const { checkpointing } = this.#owner
    if (record === undefined) return checkpointing.storeFinished()
    return checkpointing.store(this.line.markAt(number, record))
  }

  /**
   * Takes the rest of the batch as finished, the record in hand included. What was not handed out counts in `stats.skipped`.
   *
   * @example
   * if (record.text() === 'stop') batch.skipRest()
   */
  skipRest(): void {
    if (this.#over !== null) throw new UsageError(`skipRest(): ${this.#over}`)
    this.#owner.skipped(this.window.to - Math.max(this.line.watermark, this.#handedOut))
    this.#mode.done()
    this.#owner.checkpointing.finishBefore(this.window.to)
  }

  /** Says that work goes on, where `records` are worked on as a whole: it keeps a shard from being taken for stuck. */
  working(): void {
    this.#owner.telemetry.figures.progressed()
  }

  /**
   * Hands each record that is not finished to `handler`, as `session.forEach` does for all batches. Rejects with the
   * error of a handler that could not be retried; the batch is left early then.
   *
   * @example
   * await batch.forEach((record) => store(record.json()), { concurrency: 16 })
   */
  async forEach(handler: RecordHandler, options: ForEachOptions = {}): Promise<void> {
    await this.#owner.handle(this, handler, options)
  }

  /**
   * The inner loop: the records not finished yet, in order. One at a time; never ask for one before you are done with the one before.
   *
   * @example
   * for await (const record of batch) await store(record.json())
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<KinesisRecord> {
    return new AsyncRecordIterator(new Walk(this))
  }

  /**
   * The inner loop without waiting, where the event loop turns by itself: bodies that await, or short ones.
   *
   * @example
   * for (const record of batch) await store(record.json())
   */
  [Symbol.iterator](): IterableIterator<KinesisRecord> {
    return new RecordIterator(new Walk(this))
  }

  /** @internal What `console.log` shows; looking touches nothing. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { shardId, attempt, millisBehindLatest, window } = this
    const [first, last] = [window.records[0], window.records.at(-1)]
    const from = first === undefined ? null : formatPosition(first)
    const to = last === undefined ? null : formatPosition(last)
    const records = window.to - window.from
    return `RecordBatch ${inspect({ shardId, attempt, records, from, to, millisBehindLatest }, options)}`
  }

  /** @internal */
  get turns(): Turns {
    return this.#owner.turns
  }

  /** @internal */
  get progressAt(): number {
    return this.#owner.checkpointing.progressAt
  }

  /** @internal Why asking for the next batch must not finish this one; null where it may. */
  get refusal(): string | null {
    return this.#complete ? null : this.#mode.refusal
  }

  /** @internal */
  abort(reason: KclError): void {
    this.#signal.abort(() => reason)
  }

  /** @internal The attempt is over; `why` is for those who still hold on to it. */
  end(why: string): void {
    const text = `This attempt at the batch is over: ${why}.`
    this.#over ??= text
    this.#signal.abort(() => new UsageError(text))
  }

  /** @internal Whether records may be handed out: not once the lease is lost. Throws where the attempt is over, or the session failed. */
  goesOn(): boolean {
    if (!this.#owner.handsOut()) return false
    if (this.#over !== null) throw new UsageError(this.#over)
    return true
  }

  /** @internal Whether a walk may go on. Throws when it must not. */
  enter(walk: Walk): boolean {
    return this.goesOn() && this.#mode.enter(walk)
  }

  /** @internal */
  get line(): RecordLine {
    return this.#owner.checkpointing.line
  }

  /** @internal */
  finish(number: number): void {
    this.#owner.finish(number)
  }

  /** @internal The record is in the user's hands now. */
  handedOut(number: number): void {
    this.#handedOut = Math.max(this.#handedOut, number + 1)
  }

  /** @internal The walk ended, or with `early` was left before its end. */
  leave(walk: Walk, early: boolean): void {
    this.#mode.leave(walk, early)
  }

  /** @internal Handlers begin to work on the batch. */
  beginHandlers(): void {
    this.#mode.beginHandlers()
  }

  /** @internal No handler is at work any more. */
  endHandlers(): void {
    this.#mode.endHandlers(this.#complete)
  }

  get #complete(): boolean {
    return this.line.watermark >= this.window.to
  }

  // One below the batch where nothing of it is finished.
  #lastMeant(): number {
    if (this.#over !== null) throw new UsageError(`checkpoint() without an argument: ${this.#over}`)
    return this.#mode.meant(this.window, this.line.watermark - 1)
  }

  #numberOf(at: Position): number {
    const number = numberIn(this.window, at)
    if (this.#over !== null && !this.line.isFinished(number)) {
      throw new UsageError(
        `checkpoint(at): this attempt is over, and the record at ${formatPosition(at)} was not finished in it.`,
      )
    }
    return number
  }
}

function numberIn({ records, from }: Window, at: Position): number {
  if (!isPosition(at)) throw new UsageError(`checkpoint(at): ${at} is no position. ${GIVE}`)
  const index = indexAt(records, at)
  if (index >= 0) return from + index
  throw new UsageError(`checkpoint(at): position ${formatPosition(at)} is not in this batch. ${GIVE}`)
}

const GIVE =
  'Give a record of this batch, or its position; session.checkpoint(at) stores one of an earlier batch.'
