// The segments of the line of records, in their order: where a number and a position lie, and what may be forgotten.

import { comparePositions } from '../checkpoint/position.ts'
import type { Position } from '../protocol/messages.ts'
import { type KinesisRecord, sizeOf } from '../record.ts'
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

/** All of a session's records that are not given up, and the places of those that are. */
export class Segments {
  #segments: Segment[] = []
  #end = 0
  #bytes = 0

  /** One past the last record that arrived. */
  get end(): number {
    return this.#end
  }

  /** How many segments are kept: one for each delivery that is not stored. */
  get kept(): number {
    return this.#segments.length
  }

  push(records: readonly KinesisRecord[], millisBehindLatest: number | null, now: number): void {
    const segment = new Segment(this.#end, records, millisBehindLatest, now, this.#bytes)
    this.#segments.push(segment)
    this.#end += records.length
    this.#bytes += segment.bytes
  }

  /** The segment with a number. */
  of(number: number): Segment | undefined {
    return this.#segments[this.#indexOf(number)]
  }

  /** The record of a number; undefined where it has been given up or has not arrived. */
  record(number: number): KinesisRecord | undefined {
    const segment = this.of(number)
    return segment?.records?.[number - segment.from]
  }

  /** The segment that a position lies in, or would; undefined behind all, and in front of all. */
  around(position: Position): Segment | undefined {
    const index = this.#firstReaching(position)
    const segment = this.#segments[index]
    const before = segment !== undefined && index === 0 && comparePositions(position, segment.first) < 0
    return before ? undefined : segment
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

  /** Gives up the records before `end`; answers the position of the last of them, null where there were none. */
  release(end: number): Position | null {
    let last: Position | null = null
    for (let index = this.#indexOf(end - 1); index >= 0; index -= 1) {
      const segment = this.#segments[index]
      if (segment === undefined || segment.records === null) break
      if (segment.to > end) continue
      last ??= segment.last
      segment.release()
      if (!this.#absorbs(this.#segments[index - 1], segment)) continue
      if (index === this.#segments.length - 1) this.#segments.pop()
      else this.#segments.splice(index, 1)
    }
    if (this.#segments.length > 2 * KEPT) this.#thinOut()
    return last
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

// Into about so many the past is divided where nothing is stored.
const KEPT = 1024
