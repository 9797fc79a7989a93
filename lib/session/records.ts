// The line of records: a session numbers its records from 0 as they arrive, and keeps here, once, what is finished,
// the low watermark, the bytes, and the times. A delivery of the daemon and a batch in the user's hands are both
// windows on this line. A segment of it, one for each delivery, gives its records up when no window can need them.

import { toPosition } from '../checkpoint/position.ts'
import type { Mark } from '../checkpoint/progress.ts'
import type { Position, WireRecord } from '../protocol/messages.ts'
import { KinesisRecord, sizeOf } from '../record.ts'
import { type Limits, Segments, type Window } from './segments.ts'

/** The records of one session. All times are those of the session's clock. */
export class RecordLine {
  readonly #segments: Segments = new Segments()
  #watermark = 0
  // Decoded data of the records before `#counted`, which is at the watermark when somebody asks.
  #bytes = 0
  #counted = 0
  // The last position given up.
  #last: Position | null = null
  // Finished, with a gap before them, and when.
  readonly #ahead = new Map<number, number>()
  // The time told last to a segment, and the end of that segment.
  #stamp = Number.NEGATIVE_INFINITY
  #stampedTo = 0

  /** One past the last record that arrived. */
  get end(): number {
    return this.#segments.end
  }

  /** The records before this number are finished, without a gap. */
  get watermark(): number {
    return this.#watermark
  }

  /** How many segments are kept: one for each delivery that is not stored. */
  get kept(): number {
    return this.#segments.kept
  }

  /** Decoded data of the records before the watermark. */
  get bytes(): number {
    this.#count()
    return this.#bytes
  }

  /** The position of the last record before the watermark; null before the first is finished. */
  get position(): Position | null {
    const last = this.record(this.#watermark - 1)
    return last === undefined ? this.#last : toPosition(last)
  }

  /** Whether the record at the watermark begins another aggregated record, or is not there. */
  get endsAggregate(): boolean {
    const next = this.record(this.#watermark)
    return next === undefined || next.sequenceNumber !== this.record(this.#watermark - 1)?.sequenceNumber
  }

  /** Takes records in, as the daemon delivered them, and the array for its own. */
  deliver(wire: WireRecord[], millisBehindLatest: number | null, now: number): void {
    this.#segments.push(toRecords(wire), millisBehindLatest, now)
  }

  /** The record of a number; undefined where it has been given up or has not arrived. */
  record(number: number): KinesisRecord | undefined {
    return this.#segments.record(number)
  }

  /** When the record arrived; null where there is none. */
  arrivedAt(number: number): number | null {
    return this.#segments.of(number)?.arrivedAt ?? null
  }

  /** How long ago a record reached the stream, at `now`; null where that is not known. */
  ageOf(number: number, now: number): number | null {
    return this.#segments.of(number)?.ageOf(number, now) ?? null
  }

  isFinished(number: number): boolean {
    return number < this.#watermark || (this.#ahead.size > 0 && this.#ahead.has(number))
  }

  /** What is finished with a gap before it; null where there is nothing. */
  finishedAhead(): ReadonlySet<number> | null {
    return this.#ahead.size === 0 ? null : new Set(this.#ahead.keys())
  }

  /** How many are finished with a gap before them. */
  get ahead(): number {
    return this.#ahead.size
  }

  /** Takes a record as finished; answers whether the watermark moved. */
  finish(number: number, now: number): boolean {
    if (number !== this.#watermark) {
      if (!this.isFinished(number)) this.#ahead.set(number, now)
      return false
    }
    this.#watermark += 1
    if (this.#ahead.size > 0) this.#passAhead(number, now)
    else this.#tell(number, now)
    return true
  }

  /** Takes every record before `end` as finished. */
  finishBefore(end: number, now: number): void {
    // What was finished ahead keeps its times; the rest is taken in whole stretches, segment by segment.
    while (this.#watermark < end) {
      const single = this.#ahead.size > 0
      this.#tell(this.#watermark, this.#takeAhead(this.#watermark) ?? now)
      this.#watermark = single ? this.#watermark + 1 : Math.min(this.#stampedTo, end)
    }
    this.#takeAllAhead()
  }

  // What was ahead has waited for this one: the time that policies go by is that of the first to be finished.
  #passAhead(number: number, now: number): void {
    let oldest = now
    for (let end = number + 1, at = this.#ahead.get(end); at !== undefined; at = this.#ahead.get(end)) {
      oldest = Math.min(oldest, at)
      end += 1
    }
    this.#tell(number, oldest)
    this.#takeAllAhead()
  }

  #takeAllAhead(): void {
    for (let at = this.#takeAhead(this.#watermark); at !== null; at = this.#takeAhead(this.#watermark)) {
      this.#tell(this.#watermark, at)
      this.#watermark += 1
    }
  }

  #takeAhead(number: number): number | null {
    if (this.#ahead.size === 0) return null
    const at = this.#ahead.get(number) ?? null
    this.#ahead.delete(number)
    return at
  }

  // Each record is told of that begins a segment, or that another time goes for.
  #tell(number: number, at: number): void {
    if (number < this.#stampedTo && Math.abs(at - this.#stamp) < PRECISION) return
    const segment = this.#segments.of(number)
    segment?.finish(number, at)
    this.#stamp = at
    this.#stampedTo = segment?.to ?? number + 1
  }

  /** When the record was finished; null where it is not, and the time of one close by where that has been given up. */
  finishedAt(number: number): number | null {
    if (number >= this.#watermark) return this.#ahead.get(number) ?? null
    return this.#segments.of(number)?.finishedAt(number) ?? null
  }

  /** The number of the record at a position; -1 where there is none, or it has been given up. */
  numberAt(position: Position): number {
    return this.#segments.around(position)?.numberAt(position) ?? -1
  }

  /** What lies before and behind a record, for the progress. */
  markAt(number: number, position: Position): Mark {
    const next = number + 1
    const at = toPosition(position)
    return { position: at, records: next, bytes: this.#bytesBefore(next), nextAt: this.finishedAt(next) }
  }

  /**
   * The mark of a position whose record may have been given up; what is not known any more of its neighbours counts
   * as not covered by it. Null for a position outside of what has arrived.
   */
  markOf(position: Position): Mark | null {
    const number = this.numberAt(position)
    if (number >= 0) return this.markAt(number, position)
    const segment = this.#segments.around(position)
    if (segment === undefined || segment.records !== null) return null
    return this.markAt(segment.from - 1, position)
  }

  /** Takes everything up to a position as finished, where it is known. */
  finishThrough(position: Position, now: number): void {
    this.finishBefore(this.numberAt(position) + 1, now)
  }

  /** Where a batch that begins at `from` ends under the limits, and whether records that come later would still fit. */
  cut(from: number, limits: Limits): { readonly to: number; readonly mayGrow: boolean } {
    return this.#segments.cut(from, limits)
  }

  /** A window over records that are there. */
  window(from: number, to: number): Window {
    return this.#segments.window(from, to)
  }

  /** Gives up the records before `number`: no window needs them any more. */
  release(number: number): void {
    this.#count()
    this.#last = this.#segments.release(Math.min(number, this.#watermark)) ?? this.#last
  }

  /** Forgets what is stored: everything through a position. */
  forget(position: Position): void {
    this.#segments.forget(position)
  }

  #count(): void {
    if (this.#counted === this.#watermark) return
    this.#bytes = this.#bytesBefore(this.#watermark)
    this.#counted = this.#watermark
  }

  // Most questions are about the neighbourhood of what is counted.
  #bytesBefore(number: number): number {
    if (number === this.#counted) return this.#bytes
    const segment = this.#segments.of(number - 1)
    if (segment === undefined) return 0
    if (number === segment.to) return segment.bytesBefore + segment.bytes
    const near = segment.from <= this.#counted && this.#counted <= number
    let bytes = near ? this.#bytes : segment.bytesBefore
    for (let at = near ? this.#counted : segment.from; at < number; at += 1) bytes += sizeOf(this.record(at))
    return bytes
  }
}

// Milliseconds. Times of finished records that differ by less are one.
const PRECISION = 1

// In place, and one by one: with two objects for each record at once, a large batch would fill the memory.
function toRecords(wire: WireRecord[]): KinesisRecord[] {
  const records: (WireRecord | KinesisRecord)[] = wire
  for (let index = 0; index < wire.length; index += 1)
    records[index] = new KinesisRecord(wire[index] as WireRecord)
  return records as KinesisRecord[]
}
