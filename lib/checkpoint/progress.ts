// What has been finished, what of it was asked to be stored, and what is stored: the figures that policies see.
// A position that was asked for counts as behind us, until its checkpoint fails: then all since counts again.

import type { Position } from '../protocol/messages.ts'
import type { CheckpointProgress } from './policy.ts'
import { comparePositions } from './position.ts'

/** A place in what was finished: so many records and bytes of this shard lie before it. */
export interface Mark {
  readonly position: Position
  readonly records: number
  readonly bytes: number
  /** When the first record behind the mark was finished; null where none is yet. */
  readonly nextAt: number | null
}

/** Counts from the start of this process. */
export class Progress {
  #records = 0
  #bytes = 0
  #position: Position | null = null
  // The highest mark that is stored, then those asked for, in ascending order.
  #marks: OpenMark[] = [{ position: null, records: 0, bytes: 0, nextAt: null }]

  /** The last finished position; null before the first record is finished. */
  get position(): Position | null {
    return this.#position
  }

  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Takes the record at `position` as finished, which is the next one in the shard. */
  finished(position: Position, bytes: number, now: number): void {
    this.#records += 1
    this.#bytes += bytes
    this.#position = position
    for (const mark of this.#marks) {
      if (mark.records < this.#records) mark.nextAt ??= now
    }
  }

  /** Takes a position as asked for; one that does not lie behind all others changes nothing. */
  asked(mark: Mark): void {
    const last = this.#marks.at(-1)
    if (last?.position && comparePositions(mark.position, last.position) <= 0) return
    this.#marks.push({ ...mark })
  }

  /** Takes everything up to `position` as stored. */
  stored(position: Position): void {
    const behind = this.#marks.filter((mark) => !reaches(mark, position))
    const last = this.#marks[this.#marks.length - behind.length - 1]
    this.#marks = last === undefined ? behind : [last, ...behind]
  }

  /** The checkpoint at `position` failed: what it had asked for counts again. */
  failed(position: Position): void {
    const [stored, ...asked] = this.#marks
    this.#marks = asked.filter((mark) => !reaches(mark, position))
    if (stored !== undefined) this.#marks.unshift(stored)
  }

  /** The figures for a policy; null when there is nothing new to store. */
  since(
    step: Pick<CheckpointProgress, 'after' | 'endsAggregate' | 'millisBehindLatest'>,
    now: number,
  ): CheckpointProgress | null {
    const from = this.#marks.at(-1)
    if (this.#position === null || from === undefined || this.#records <= from.records) return null
    return {
      after: step.after,
      records: this.#records - from.records,
      bytes: this.#bytes - from.bytes,
      elapsed: from.nextAt === null ? 0 : now - from.nextAt,
      position: this.#position,
      endsAggregate: step.endsAggregate,
      millisBehindLatest: step.millisBehindLatest,
    }
  }
}

interface OpenMark {
  readonly position: Position | null
  readonly records: number
  readonly bytes: number
  nextAt: number | null
}

function reaches(mark: OpenMark, position: Position): boolean {
  return mark.position === null || comparePositions(mark.position, position) <= 0
}
