// The inner loop: hands out the records of a batch that are not finished, one at a time, in order. Asking for the next
// one finishes the one before. A next() is pending until its promise is delivered: whoever asks for two at once would
// have the first finished while its body runs. What asks ahead one by one (p-map, Readable.from) cannot be told from
// a body that never waits; forEach with a concurrency is the way to have several at work.

import { UsageError } from '../errors.ts'
import type { KinesisRecord } from '../record.ts'
import { type Clock, systemClock } from '../time.ts'
import { now, setImmediate } from '../timers.ts'
import type { RecordLine } from './records.ts'
import type { Window } from './segments.ts'

/** What an inner loop needs of its batch. */
export interface Walked {
  readonly window: Window
  readonly line: RecordLine
  readonly turns: Turns
  /** When a record was finished last, by the session's clock. */
  readonly progressAt: number
  /** Whether the walk may go on. Throws when it must not: another one is live, the attempt is over, the session failed. */
  enter(walk: Walk): boolean
  /** Takes a record as finished. Throws what a policy throws. */
  finish(number: number): void
  handedOut(number: number): void
  /** The walk is over; `early` when it was left before its end. */
  leave(walk: Walk, early: boolean): void
}

type Result = IteratorResult<KinesisRecord, undefined>

/** One way through the records of a batch. */
export class Walk {
  readonly #batch: Walked
  /** The number of the record in the user's hands; -1 before the first. */
  current = -1
  over = false
  // What an earlier attempt has finished out of order.
  #finished: ReadonlySet<number> | null = null

  constructor(batch: Walked) {
    this.#batch = batch
  }

  get turns(): Turns {
    return this.#batch.turns
  }

  /** A promise to wait for, when the event loop should turn before the next record is taken; else null. */
  turn(): Promise<void> | null {
    return this.#batch.turns.due(this.#batch.progressAt)
  }

  /** Finishes the record in hand; answers whether there may be another. */
  advance(): boolean {
    if (this.over) return false
    try {
      if (!this.#batch.enter(this)) return this.#end()
      if (this.current >= 0) this.#batch.finish(this.current)
      return true
    } catch (error) {
      this.over = true
      throw error
    }
  }

  /** The next record; undefined at the end. */
  take(): KinesisRecord | undefined {
    const { window, line } = this.#batch
    let number = this.current + 1
    if (this.current < 0) {
      number = line.watermark
      this.#finished = line.finishedAhead()
    }
    while (this.#finished?.has(number)) number += 1
    const record = window.records[number - window.from]
    if (record === undefined) {
      this.#end()
      return
    }
    this.current = number
    this.#batch.handedOut(number)
    return record
  }

  /** Takes the next record after a pause in which the attempt may have come to its end. */
  resume(): KinesisRecord | undefined {
    if (this.over) return
    try {
      if (this.#batch.enter(this)) return this.take()
    } catch (error) {
      this.over = true
      throw error
    }
    this.#end()
    return
  }

  leave(): void {
    if (this.over) return
    this.over = true
    this.#batch.leave(this, true)
  }

  #end(): false {
    this.over = true
    this.#batch.leave(this, false)
    return false
  }
}

/** `for await (const record of batch)`. Lets the event loop turn under bodies that never wait. */
export class AsyncRecordIterator implements AsyncIterableIterator<KinesisRecord> {
  readonly #walk: Walk
  #pending = false
  #taken: Result = DONE

  constructor(walk: Walk) {
    this.#walk = walk
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Result> {
    if (this.#pending) return Promise.reject(new UsageError(NEXT_PENDING))
    const walk = this.#walk
    try {
      // Whoever asks an iterator that is done again and again must not keep everything else from running.
      if (walk.over) return walk.turns.turn().then(() => DONE)
      if (!walk.advance()) return Promise.resolve(DONE)
      this.#pending = true
      const turn = walk.turn()
      if (turn !== null) return turn.then(this.#resume)
      this.#taken = resultOf(walk.take())
      return NOW.then(this.#deliver)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  return(): Promise<Result> {
    this.#walk.leave()
    return Promise.resolve(DONE)
  }

  readonly #resume = (): Promise<Result> => {
    try {
      this.#taken = resultOf(this.#walk.resume())
    } catch (error) {
      this.#pending = false
      throw error
    }
    return NOW.then(this.#deliver)
  }

  // Runs right before whoever awaits the record.
  readonly #deliver = (): Result => {
    this.#pending = false
    return this.#taken
  }
}

/** `for (const record of batch)`: the same promise, and cheaper. Nothing lets the event loop turn. */
export class RecordIterator implements IterableIterator<KinesisRecord> {
  readonly #walk: Walk

  constructor(walk: Walk) {
    this.#walk = walk
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): Result {
    return resultOf(this.#walk.advance() ? this.#walk.take() : undefined)
  }

  return(): Result {
    this.#walk.leave()
    return DONE
  }
}

/**
 * Tells when the event loop should turn: under code that never waits for I/O, the daemon's answers, the end of the
 * input, timers and signals would not be seen. It goes by the machine's clock: such code takes real time.
 */
export class Turns {
  readonly #real: boolean
  #last = 0

  constructor(clock: Clock) {
    this.#real = clock === systemClock
  }

  /** The event loop has just turned; `time` as in `due`. */
  turned(time?: number): void {
    this.#last = this.#read(time)
  }

  /**
   * A promise to wait for, when the last turn is too long ago; else null. Whoever has read the session's clock a moment
   * ago says what it told, because reading a clock costs more than many a body.
   */
  due(time?: number): Promise<void> | null {
    return this.#read(time) - this.#last < LONGEST_WITHOUT ? null : this.turn()
  }

  /** Lets the event loop turn once. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(() => {
        this.turned()
        resolve()
      })
    })
  }

  #read(time: number | undefined): number {
    return this.#real && time !== undefined ? time : now()
  }
}

// Made in one place, so that a compiler that inlines all this sees that nobody keeps it.
function resultOf(record: KinesisRecord | undefined): Result {
  return { done: record === undefined, value: record } as Result
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }
const NOW = Promise.resolve()
const NEXT_PENDING =
  'next() was called while another is pending. Ask for one record at a time, as for await does; to have several at work, use forEach with a concurrency.'
// Milliseconds.
const LONGEST_WITHOUT = 20
