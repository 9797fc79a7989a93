// The records of one action, across all attempts at them: which are finished, and what that adds to the progress.

import { comparePositions, isPosition, toPosition } from './checkpoint/position.ts'
import type { Mark, Progress } from './checkpoint/progress.ts'
import { Watermark } from './checkpoint/watermark.ts'
import type { WireRecord } from './protocol/messages.ts'
import { decodedLength, KinesisRecord } from './record.ts'

/** A batch as the daemon delivered it. It is handed out again, as another attempt, until it is acknowledged. */
export class Delivery {
  readonly records: KinesisRecord[]
  readonly millisBehindLatest: number | null
  /** Of decoded data. */
  readonly bytes: number
  attempts = 0
  /** How many explicit checkpoints at the last record are on their way: they may finish what was left early. */
  covering = 0
  readonly #watermark: Watermark
  readonly #progress: Progress
  readonly #before: { readonly records: number; readonly bytes: number }
  // Decoded bytes up to and including each record, and when each was finished.
  readonly #bytesThrough: Float64Array
  readonly #finishedAt: Float64Array

  constructor(wire: readonly WireRecord[], millisBehindLatest: number | null, progress: Progress) {
    this.records = wire.map((record) => new KinesisRecord(record))
    this.millisBehindLatest = millisBehindLatest
    this.#watermark = new Watermark(wire.length)
    this.#progress = progress
    this.#before = { records: progress.records, bytes: progress.bytes }
    this.#bytesThrough = new Float64Array(wire.length)
    this.#finishedAt = new Float64Array(wire.length)
    let bytes = 0
    wire.forEach((record, index) => {
      bytes += decodedLength(record.data)
      this.#bytesThrough[index] = bytes
    })
    this.bytes = bytes
  }

  get size(): number {
    return this.records.length
  }

  /** The records before this index are finished. */
  get watermark(): number {
    return this.#watermark.mark
  }

  get complete(): boolean {
    return this.#watermark.complete
  }

  /** Whether the last finished record is the last of an aggregated one, or a record of its own. */
  get endsAggregate(): boolean {
    const last = this.records[this.watermark - 1]
    return last?.sequenceNumber !== this.records[this.watermark]?.sequenceNumber
  }

  isFinished(index: number): boolean {
    return this.#watermark.isFinished(index)
  }

  /** Takes a record as finished; answers whether the watermark moved. */
  finish(index: number, now: number): boolean {
    const from = this.watermark
    const moved = this.#watermark.finish(index)
    if (moved) this.#count(from, now)
    return moved
  }

  /** Takes every record before `end` as finished. */
  finishBefore(end: number, now: number): void {
    const from = this.watermark
    this.#watermark.finishBefore(end)
    this.#count(from, now)
  }

  /** The place of a record in what this process has finished, for the progress. Undefined outside the batch. */
  markAt(index: number): Mark | undefined {
    const record = this.records[index]
    if (record === undefined) return undefined
    const next = index + 1
    return {
      position: toPosition(record),
      records: this.#before.records + next,
      bytes: this.#before.bytes + this.#bytesBefore(next),
      nextAt: next < this.watermark ? (this.#finishedAt[next] ?? null) : null,
    }
  }

  /** The index of the record at a position, or -1. */
  indexOf(position: unknown): number {
    if (!isPosition(position)) return -1
    let low = 0
    let high = this.records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const record = this.records[middle]
      if (record !== undefined && comparePositions(record, position) < 0) low = middle + 1
      else high = middle
    }
    const found = this.records[low]
    return found !== undefined && comparePositions(found, position) === 0 ? low : -1
  }

  #count(from: number, now: number): void {
    for (let index = from; index < this.watermark; index += 1) {
      const record = this.records[index]
      if (record === undefined) return
      this.#finishedAt[index] = now
      this.#progress.finished(
        toPosition(record),
        this.#bytesBefore(index + 1) - this.#bytesBefore(index),
        now,
      )
    }
  }

  #bytesBefore(index: number): number {
    return this.#bytesThrough[index - 1] ?? 0
  }
}
