// What is in the user's hands: the window of records that is worked on or was left, the live attempt at it, and the
// lock that says which loop has the shard.

import { UsageError } from '../errors.ts'
import { type BatchOwner, RecordBatch } from './batch.ts'
import { Lock } from './batch-iterator.ts'
import type { Window } from './segments.ts'
import type { BatchPlace } from './tracing.ts'

/** The user's side of a loop. */
export class Hand {
  readonly lock: Lock = new Lock()
  readonly #owner: BatchOwner
  #batch: RecordBatch | null = null
  // Outlives the attempts at it.
  #window: Window | null = null
  #attempts = 0
  #cancelWait: (() => void) | null = null
  #finished: BatchPlace | null = null

  constructor(owner: BatchOwner) {
    this.#owner = owner
  }

  /** The live attempt. */
  get batch(): RecordBatch | null {
    return this.#batch
  }

  /** The last batch that was finished. */
  get finished(): BatchPlace | null {
    return this.#finished
  }

  /** Whether a batch was left, and waits for another attempt. */
  get left(): boolean {
    return this.#window !== null && this.#batch === null
  }

  /** Whether the next batch may come while records of this one are at work. */
  get overlaps(): boolean {
    return this.lock.holder?.overlaps === true
  }

  /** Whether records have come that were not handed out. */
  get hasMore(): boolean {
    return this.#from < this.#owner.checkpointing.line.end
  }

  /** Whether the user's code is at work on a batch. */
  get busy(): boolean {
    return this.#batch !== null && !this.lock.waiting
  }

  /** What the user's code is at work on: the batch in hand, or what is left of several. */
  get atWork(): { readonly from: number; readonly to: number } | null {
    const { line, handedOut } = this.#owner.checkpointing
    if (this.overlaps) return line.watermark < handedOut ? { from: line.watermark, to: handedOut } : null
    return this.busy && this.#batch !== null ? this.#batch.window : null
  }

  /** Whether the rest of a batch that was left early may be finished by a checkpoint on its way: that is for the daemon to say. */
  get mayBeCovered(): boolean {
    const last = this.#batch?.window.records.at(-1)
    if (last === undefined || this.#batch?.refusal === null) return false
    return this.#owner.checkpointing.checkpointer.awaits(last)
  }

  /**
   * Hands out what was left, or the next batch; answers whether there was one. Where more records are wanted for it,
   * `again` is called when it has waited for long enough. With `ending` no more will come.
   */
  give(ending: boolean, again: () => void): boolean {
    const window = this.#window ?? this.#fill(ending, again)
    if (window === null) return false
    this.#attempts = window === this.#window ? this.#attempts + 1 : 1
    this.#window = window
    this.#batch = new RecordBatch(window, this.#attempts, this.#owner)
    this.#owner.checkpointing.handedOut = window.to
    this.#owner.telemetry.handedOut(this.#batch)
    this.#owner.turns.turned(this.#owner.checkpointing.progressAt)
    this.lock.give(this.#batch)
    return true
  }

  /** The next batch is asked for. */
  asked(): void {
    if (!this.overlaps) this.#batch?.end('the next batch was asked for')
  }

  /** The next batch was asked for, which finishes the one in hand, if it may. Throws what a policy throws. */
  finish(): void {
    const batch = this.#batch
    if (batch === null) return
    const { checkpointing } = this.#owner
    if (this.overlaps) {
      this.drop()
      return
    }
    if (batch.refusal !== null) {
      this.release({ reason: new UsageError(batch.refusal) })
      return
    }
    checkpointing.finishBatch(batch.window.to)
    this.#owner.telemetry.batchFinished()
    const { from, to } = batch.window
    // Without its records, which are large.
    this.#finished = { window: { from, to }, attempt: batch.attempt }
    this.drop()
  }

  /** Nobody needs the batch in hand any more. */
  drop(): void {
    this.#batch = null
    this.#window = null
  }

  /** The live loop is over, and with it the attempt; what it waits for ends in `error`, or is done. */
  release(error?: { readonly reason: unknown }): void {
    this.#stopWaiting()
    if (this.overlaps) this.#leaveUnfinished()
    this.#batch?.end('its loop was left')
    this.#batch = null
    this.lock.release(error)
  }

  // Where the next batch begins.
  get #from(): number {
    const { line, handedOut } = this.#owner.checkpointing
    return this.overlaps ? Math.max(line.watermark, handedOut) : line.watermark
  }

  // What several batches have left over comes again as one.
  #leaveUnfinished(): void {
    const { line, handedOut } = this.#owner.checkpointing
    this.#window = line.watermark < handedOut ? line.window(line.watermark, handedOut) : null
    this.#attempts = 1
  }

  #fill(ending: boolean, again: () => void): Window | null {
    const { line } = this.#owner.checkpointing
    const from = this.#from
    const sizes = this.lock.holder?.sizes ?? null
    if (sizes === null) return line.window(from, line.end)
    // What is still at work takes its part of the limit.
    const maxRecords = sizes.maxRecords - (from - line.watermark - line.ahead)
    if (maxRecords < 1) return null
    const { to, mayGrow } = line.cut(from, { ...sizes, maxRecords })
    const now = this.#owner.clock.now()
    const rest = sizes.maxWait === null ? null : (line.arrivedAt(from) ?? now) + sizes.maxWait - now
    this.#stopWaiting()
    if (!mayGrow || ending || (rest !== null && rest <= 0)) return line.window(from, to)
    if (rest !== null) this.#cancelWait = this.#owner.clock.after(rest, again)
    return null
  }

  #stopWaiting(): void {
    this.#cancelWait?.()
    this.#cancelWait = null
  }
}
