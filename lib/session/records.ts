// The line of records: a session numbers its records from 0 as they arrive, and keeps here, once, what is finished,
// the low watermark, the bytes, and the times. A delivery of the daemon and a batch in the user's hands are both
// windows on this line. A segment of it, one for each delivery, gives its records up when no window can need them.

import { comparePositions, toPosition } from '../checkpoint/position.ts'
import type { Mark } from '../checkpoint/progress.ts'
import type { Position, WireRecord } from '../protocol/messages.ts'
import { KinesisRecord, sizeOf } from '../record.ts'
import { lowest, Segment } from './segment.ts'

/** A stretch of the line: `from` inclusive, `to` exclusive. */
export interface Window {
  readonly from: number
  readonly to: number
  readonly records: readonly KinesisRecord[]
  /** How far the shard was read behind its tip when the last of them came; null if the daemon did not say. */
  readonly millisBehindLatest: number | null
}

/** How large a batch of one's own size may get. Whichever limit is reached first ends it. */
export interface Limits {
  readonly maxRecords: number
  /** Of decoded data; a single larger record is a batch of its own. */
  readonly maxBytes: number
}

/** The records of one session. All times are those of the session's clock. */
export class RecordLine {
  #segments: Segment[] = []
  #end = 0
  #watermark = 0
  #bytes = 0
  // The last position given up.
  #last: Position | null = null
  // Finished, with a gap before them.
  readonly #ahead = new Set<number>()

  /** One past the last record that arrived. */
  get end(): number {
    return this.#end
  }

  /** The records before this number are finished, without a gap. */
  get watermark(): number {
    return this.#watermark
  }

  /** How many segments are kept: one for each delivery that is not stored. */
  get kept(): number {
    return this.#segments.length
  }

  /** Decoded data of the records before the watermark. */
  get bytes(): number {
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
    const from = this.#end
    const records = toRecords(wire)
    this.#end += records.length
    const before = this.#segments.at(-1)
    const bytesBefore = before === undefined ? this.#bytes : before.bytesBefore + before.bytes
    this.#segments.push(new Segment(from, records, millisBehindLatest, now, bytesBefore))
  }

  /** The record of a number; undefined where it has been given up or has not arrived. */
  record(number: number): KinesisRecord | undefined {
    const segment = this.#segmentOf(number)
    return segment?.records?.[number - segment.from]
  }

  /** When the record arrived; null where there is none. */
  arrivedAt(number: number): number | null {
    return this.#segmentOf(number)?.arrivedAt ?? null
  }

  /** How long ago a record reached the stream, at `now`; null where that is not known. */
  ageOf(number: number, now: number): number | null {
    return this.#segmentOf(number)?.ageOf(number, now) ?? null
  }

  isFinished(number: number): boolean {
    return number < this.#watermark || (this.#ahead.size > 0 && this.#ahead.has(number))
  }

  /** What is finished with a gap before it; null where there is nothing. */
  finishedAhead(): ReadonlySet<number> | null {
    return this.#ahead.size === 0 ? null : new Set(this.#ahead)
  }

  /** How many are finished with a gap before them. */
  get ahead(): number {
    return this.#ahead.size
  }

  /** Takes a record as finished; answers whether the watermark moved. */
  finish(number: number, now: number): boolean {
    if (this.isFinished(number)) return false
    const segment = this.#segmentOf(number)
    segment?.finish(number, number + 1, now)
    if (number === this.#watermark && this.#ahead.size === 0) {
      this.#watermark += 1
      this.#bytes += sizeOf(segment?.records?.[number - segment.from])
      return true
    }
    if (number !== this.#watermark) {
      this.#ahead.add(number)
      return false
    }
    let end = number + 1
    let oldest = now
    for (; this.#ahead.delete(end); end += 1)
      oldest = Math.min(oldest, this.#segmentOf(end)?.finishedAt(end) ?? now)
    // What was ahead has waited for this one: the time that policies go by is that of the first to be finished.
    if (oldest < now) segment?.finish(number, number + 1, oldest)
    this.#pass(end)
    return true
  }

  /** Takes every record before `end` as finished. */
  finishBefore(end: number, now: number): void {
    if (end <= this.#watermark) return
    // What was finished ahead keeps its times; the rest is taken in whole stretches, segment by segment.
    for (let from = this.#watermark, to = from; from < end; from = to) {
      const segment = this.#segmentOf(from)
      to = this.#ahead.size > 0 ? from + 1 : Math.min(segment?.to ?? end, end)
      if (!this.#ahead.delete(from)) segment?.finish(from, to, now)
    }
    let passed = end
    while (this.#ahead.delete(passed)) passed += 1
    this.#pass(passed)
  }

  /** When the record was finished; null where it is not, and the time of one close by where that has been given up. */
  finishedAt(number: number): number | null {
    return this.isFinished(number) ? (this.#segmentOf(number)?.finishedAt(number) ?? null) : null
  }

  /** The number of the record at a position; -1 where there is none, or it has been given up. */
  numberAt(position: Position): number {
    const segment = this.#segments[this.#firstReaching(position)]
    return segment?.numberAt(position) ?? -1
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
    const index = this.#firstReaching(position)
    const segment = this.#segments[index]
    if (segment === undefined || segment.records !== null) return null
    if (index === 0 && comparePositions(position, segment.first) < 0) return null
    return this.markAt(segment.from - 1, position)
  }

  /** Takes everything up to a position as finished, where it is known. */
  finishThrough(position: Position, now: number): void {
    this.finishBefore(this.numberAt(position) + 1, now)
  }

  /** Where a batch that begins at `from` ends under the limits, and whether records that come later would still fit. */
  cut(from: number, limits: Limits): { readonly to: number; readonly mayGrow: boolean } {
    let bytes = 0
    let number = from
    for (let index = this.#indexOf(from); index >= 0 && index < this.#segments.length; index += 1) {
      const segment = this.#segments[index]
      if (segment === undefined) break
      const whole = number === segment.from && segment.to - from < limits.maxRecords
      if (whole && bytes + segment.bytes < limits.maxBytes) {
        bytes += segment.bytes
        number = segment.to
        continue
      }
      for (; number < segment.to; number += 1) {
        const size = sizeOf(this.record(number))
        if (number > from && bytes + size > limits.maxBytes) return { to: number, mayGrow: false }
        bytes += size
        if (number + 1 - from === limits.maxRecords || bytes >= limits.maxBytes) {
          return { to: number + 1, mayGrow: false }
        }
      }
    }
    return { to: number, mayGrow: true }
  }

  /** A window over records that are there. */
  window(from: number, to: number): Window {
    const records: KinesisRecord[] = []
    let millisBehindLatest: number | null = null
    for (let index = Math.max(0, this.#indexOf(from)); index < this.#segments.length; index += 1) {
      const segment = this.#segments[index]
      if (segment === undefined || segment.from >= to) break
      if (segment.records === null) continue
      if (segment.from === from && segment.to === to) {
        return { from, to, records: segment.records, millisBehindLatest: segment.millisBehindLatest }
      }
      records.push(...segment.records.slice(Math.max(0, from - segment.from), to - segment.from))
      millisBehindLatest = segment.millisBehindLatest
    }
    return { from, to, records, millisBehindLatest }
  }

  /** Gives up the records before `number`: no window needs them any more. */
  release(number: number): void {
    for (let index = this.#indexOf(number - 1); index >= 0; index -= 1) {
      const segment = this.#segments[index]
      if (segment === undefined || segment.records === null) break
      if (segment.to > Math.min(number, this.#watermark)) continue
      if (this.#last === null || segment.to === this.#watermark) this.#last = segment.last
      segment.release()
      if (this.#absorbs(this.#segments[index - 1], segment)) this.#segments.splice(index, 1)
    }
    if (this.#segments.length > 2 * KEPT) this.#thinOut()
  }

  /** Forgets what is stored: everything through a position. */
  forget(position: Position): void {
    let count = 0
    for (const { records, last } of this.#segments) {
      if (records !== null || comparePositions(last, position) > 0) break
      count += 1
    }
    if (count > 0) this.#segments.splice(0, count)
  }

  // Whoever never stores anything must not fill the memory: of what is long past, places are kept less exactly.
  #thinOut(): void {
    const thinned: Segment[] = []
    for (const segment of this.#segments) if (!this.#absorbs(thinned.at(-1), segment)) thinned.push(segment)
    this.#segments = thinned
  }

  // Whether the segment has become one with that before it. Done at its release where it can be: of many small
  // deliveries each segment would else live just long enough to be costly to collect.
  #absorbs(before: Segment | undefined, segment: Segment): boolean {
    const span = (this.#end - (this.#segments[0]?.from ?? 0)) / KEPT
    const released = segment.records === null && before?.records === null
    if (!released || segment.to - before.from > span) return false
    before.absorb(segment)
    return true
  }

  #pass(end: number): void {
    this.#bytes = this.#bytesBefore(end)
    this.#watermark = end
  }

  // Most questions are about the neighbourhood of the watermark, whose bytes are known.
  #bytesBefore(number: number): number {
    if (number === this.#watermark) return this.#bytes
    const segment = this.#segmentOf(number - 1)
    if (segment === undefined) return 0
    if (number === segment.to) return segment.bytesBefore + segment.bytes
    const near = segment.from <= this.#watermark && this.#watermark <= number
    let bytes = near ? this.#bytes : segment.bytesBefore
    for (let at = near ? this.#watermark : segment.from; at < number; at += 1)
      bytes += sizeOf(this.record(at))
    return bytes
  }

  #segmentOf(number: number): Segment | undefined {
    return this.#segments[this.#indexOf(number)]
  }

  // The index of the segment with the number, or -1.
  #indexOf(number: number): number {
    const newest = this.#segments.length - 1
    // Nearly all questions are about what came last.
    if (number >= (this.#segments[newest]?.from ?? 0)) return number < this.#end ? newest : -1
    const index = lowest(this.#segments.length, (at) => (this.#segments[at]?.to ?? 0) > number)
    const segment = this.#segments[index]
    return segment !== undefined && segment.from <= number ? index : -1
  }

  // The index of the first segment that ends at the position or behind it.
  #firstReaching(position: Position): number {
    return lowest(this.#segments.length, (at) => {
      const segment = this.#segments[at]
      return segment === undefined || comparePositions(segment.last, position) >= 0
    })
  }
}

// In place, and one by one: with two objects for each record at once, a large batch would fill the memory.
function toRecords(wire: WireRecord[]): KinesisRecord[] {
  const records: (WireRecord | KinesisRecord)[] = wire
  for (const [index, record] of wire.entries()) records[index] = new KinesisRecord(record)
  return records as KinesisRecord[]
}

// Into about so many the past is divided where nothing is stored.
const KEPT = 1024
