// What of the finished records was asked to be stored, and what is stored: the figures that policies see. A position
// that was asked for counts as behind us, until its checkpoint fails: then all since counts again.

import type { Position } from '../protocol/messages.ts'
import type { CheckpointProgress } from './policy.ts'
import { comparePositions } from './position.ts'

/** A place in the line of records: so many records and bytes of this session lie before it. */
export interface Mark {
  readonly position: Position
  readonly records: number
  readonly bytes: number
  /** When the first record behind the mark was finished; null where it is not. */
  readonly nextAt: number | null
}

/** What is finished: the line of records up to its watermark. */
export interface Finished {
  readonly watermark: number
  /** Of the decoded data before the watermark. */
  readonly bytes: number
  readonly position: Position | null
  /** When a record was finished; null where it is not. */
  finishedAt(number: number): number | null
}

/** The step at which a policy is asked. */
export type Step = Pick<CheckpointProgress, 'after' | 'endsAggregate' | 'millisBehindLatest'>

/** Counts from the start of this session. */
export class Progress {
  // The highest mark that is stored, then those asked for, in ascending order.
  #marks: OpenMark[] = [{ position: null, records: 0, bytes: 0, nextAt: null }]

  /** How many records lie before the highest stored position. */
  get stored(): number {
    return this.#marks[0]?.records ?? 0
  }

  /** Takes a position as asked for; one that does not lie behind all others changes nothing. */
  asked(mark: Mark): void {
    const last = this.#marks.at(-1)
    if (last?.position && comparePositions(mark.position, last.position) <= 0) return
    this.#marks.push({ ...mark })
  }

  /** Takes everything up to `position` as stored. */
  reached(position: Position): void {
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

  /** When the first record that was not asked for was finished; null where it is not. */
  firstAt(finished: Finished): number | null {
    const from = this.#marks.at(-1)
    if (from === undefined) return null
    from.nextAt ??= finished.finishedAt(from.records)
    return from.nextAt
  }

  /** The figures for a policy; null when there is nothing new to store. */
  since(step: Step, finished: Finished, now: number): CheckpointProgress | null {
    const from = this.#marks.at(-1)
    if (from === undefined || finished.watermark <= from.records) return null
    const { position } = finished
    if (position === null) return null
    const first = this.firstAt(finished)
    return {
      after: step.after,
      records: finished.watermark - from.records,
      bytes: finished.bytes - from.bytes,
      elapsed: first === null ? 0 : now - first,
      position,
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
