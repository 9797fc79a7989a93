// How a batch is worked on. One word says what a checkpoint without an argument means, and whether asking for the next
// batch may finish this one.

import { UsageError } from '../errors.ts'
import type { Walk } from './record-iterator.ts'
import type { Window } from './segments.ts'

/**
 * What a checkpoint without an argument means, and whether the next batch may be asked for:
 * - `untouched`: the whole batch; it may not, somebody forgot an `await`
 * - `records`: the whole batch; it may
 * - `iterating`: the current record; it may not, the loop is live or leaked
 * - `left`: the last finished record; it may not, there is a rest
 * - `handler`: the last finished record; it may not, there is a rest
 * - `done`: the whole batch; it is finished
 */
type Name = 'untouched' | 'records' | 'iterating' | 'left' | 'handler' | 'done'

/** The mode of one attempt at a batch. */
export class Mode {
  #name: Name = 'untouched'
  #walk: Walk | null = null

  /** The user has looked at the whole batch. */
  touch(): void {
    if (this.#name === 'untouched') this.#name = 'records'
  }

  /** The rest is given up. */
  done(): void {
    this.#name = 'done'
  }

  /** Whether an inner loop may go on; the first step makes it the live one. Throws when another is live. */
  enter(walk: Walk): boolean {
    if (this.#walk === walk) return this.#name !== 'done'
    if (this.#walk !== null || this.#name === 'handler') throw new UsageError(SECOND_LOOP)
    if (this.#name === 'done') return false
    this.#walk = walk
    this.#name = 'iterating'
    return true
  }

  /** An inner loop ended, or with `early` was left before its end. */
  leave(walk: Walk, early: boolean): void {
    if (this.#walk !== walk) return
    this.#walk = null
    if (this.#name === 'iterating') this.#name = early ? 'left' : 'done'
  }

  /** Handlers begin to work on the batch. */
  beginHandlers(): void {
    if (this.#walk !== null || this.#name === 'handler') throw new UsageError(SECOND_LOOP)
    if (this.#name !== 'done') this.#name = 'handler'
  }

  /** No handler is at work any more. */
  endHandlers(complete: boolean): void {
    if (this.#name === 'handler') this.#name = complete ? 'done' : 'left'
  }

  /** Why asking for the next batch must not finish one that is not complete; null where it may. */
  get refusal(): string | null {
    if (this.#name === 'untouched') return UNTOUCHED
    return this.#name === 'records' || this.#name === 'done' ? null : LEFT_EARLY
  }

  /** The number of the record that a checkpoint without an argument means; `finished` is the last that is finished. */
  meant(window: Window, finished: number): number {
    switch (this.#name) {
      case 'untouched':
      case 'records':
      case 'done':
        return window.to - 1
      case 'iterating':
        // Before its first record there is no current one, but an earlier attempt may have finished some.
        return Math.max(this.#walk?.current ?? -1, finished)
      case 'left':
      case 'handler':
        return finished
    }
  }
}

const LEFT_EARLY =
  'The inner loop over the batch was left early, so its other records would be lost. The batch was not acknowledged. Let the error leave the outer loop too, call batch.skipRest() to give the rest up, or call batches() again for another attempt.'
const UNTOUCHED =
  'The next batch was asked for, and nothing of this one was touched: neither its records, nor an inner loop, forEach(), skipRest() or checkpoint(). Is an await missing? The batch was not acknowledged. Await what works on it, call batch.skipRest() to give it up, or call batches() again for another attempt.'
const SECOND_LOOP =
  'A second loop over this batch was started while the first is live. Leave the first one, or use batch.records.'
