// One segment of the line of records: what the daemon delivered at once. Its records are given up when no window can
// need them any more; what is kept then is where it lies, how much it held, and when it came and was finished.

import { comparePositions, toPosition } from '../checkpoint/position.ts'
import type { Position } from '../protocol/messages.ts'
import { type KinesisRecord, sizeOf } from '../record.ts'

interface Stamp {
  readonly from: number
  readonly at: number
}

/** The records of one delivery. */
export class Segment {
  readonly from: number
  to: number
  records: readonly KinesisRecord[] | null
  readonly first: Position
  last: Position
  readonly millisBehindLatest: number | null
  readonly arrivedAt: number
  readonly bytesBefore: number
  bytes = 0
  // When its records were finished, in order: the first, and those behind it where the time is another.
  #firstAt: number | null = null
  #later: Stamp[] | null = null
  // The stream's clock runs beside ours, by so much ahead of it.
  readonly #wallOffset: number
  readonly #firstTimestamp: number | null

  constructor(
    from: number,
    records: readonly KinesisRecord[],
    millisBehindLatest: number | null,
    now: number,
    bytesBefore: number,
  ) {
    this.from = from
    this.to = from + records.length
    this.records = records
    this.first = at(records, 0)
    this.last = at(records, records.length - 1)
    this.millisBehindLatest = millisBehindLatest
    this.arrivedAt = now
    this.bytesBefore = bytesBefore
    this.#wallOffset = Date.now() - now
    this.#firstTimestamp = records[0]?.timestamp ?? null
    for (const record of records) this.bytes += sizeOf(record)
  }

  /** The records from a number on were finished at a time, until the next call says otherwise; the first call is of its first record. */
  finish(from: number, now: number): void {
    if (this.#firstAt === null) {
      this.#firstAt = now
      return
    }
    this.#later ??= []
    this.#later.push({ from, at: now })
  }

  finishedAt(number: number): number | null {
    return this.#later?.findLast(({ from }) => from <= number)?.at ?? this.#firstAt
  }

  /**
   * How long ago a record reached the stream, at `now`; where the records have been given up, the first of them. Null
   * where the daemon told neither the record's time nor how far behind it was read.
   */
  ageOf(number: number, now: number): number | null {
    const record = this.records?.[number - this.from]
    const timestamp = record === undefined ? this.#firstTimestamp : record.timestamp
    if (timestamp !== null) return now + this.#wallOffset - timestamp
    return this.millisBehindLatest === null ? null : now - this.arrivedAt + this.millisBehindLatest
  }

  numberAt(position: Position): number {
    const { records } = this
    if (records === null) return comparePositions(this.last, position) === 0 ? this.to - 1 : -1
    const index = indexAt(records, position)
    return index < 0 ? -1 : this.from + index
  }

  release(): void {
    this.#later = null
    this.records = null
  }

  /** Becomes one with the segment behind it, which is released as this one is. */
  absorb(other: Segment): void {
    this.to = other.to
    this.last = other.last
    this.bytes += other.bytes
  }
}

/** The index of the record at a position, or -1; by halves, for records lie in the order of the shard. */
export function indexAt(records: readonly KinesisRecord[], position: Position): number {
  const index = lowest(records.length, (place) => {
    const record = records[place]
    return record === undefined || comparePositions(record, position) >= 0
  })
  const found = records[index]
  return found !== undefined && comparePositions(found, position) === 0 ? index : -1
}

function at(records: readonly KinesisRecord[], index: number): Position {
  const record = records[index]
  if (record === undefined) throw new RangeError(`There is no record ${index} of ${records.length}.`)
  return toPosition(record)
}

/** The lowest index below `length` for which `reached` holds, which it does for all behind it; `length` where none does. */
export function lowest(length: number, reached: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(middle)) high = middle
    else low = middle + 1
  }
  return low
}
