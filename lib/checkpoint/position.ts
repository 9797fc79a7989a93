// Positions: their order, and how they read in a log line. Sequence numbers have more digits than a number holds.

import { isSequenceNumber, type Position } from '../protocol/messages.ts'

/** Negative when `a` lies before `b` in the shard, 0 when they are the same place, positive when it lies behind. */
export function comparePositions(a: Position, b: Position): number {
  return (
    compareDigits(a.sequenceNumber, b.sequenceNumber) || Math.sign(a.subSequenceNumber - b.subSequenceNumber)
  )
}

/** Whether a value from outside has the shape of a position: a string of digits, and a whole number. */
export function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null) return false
  const { sequenceNumber, subSequenceNumber } = value as Partial<Position>
  return isSequenceNumber(sequenceNumber) && Number.isSafeInteger(subSequenceNumber)
}

/** A copy that holds nothing but the position: a record is one too, and would keep its data alive. */
export function toPosition({ sequenceNumber, subSequenceNumber }: Position): Position {
  return { sequenceNumber, subSequenceNumber }
}

/** For texts: the sequence number, and the sub-sequence where there is one. */
export function formatPosition({ sequenceNumber, subSequenceNumber }: Position): string {
  return subSequenceNumber === 0 ? sequenceNumber : `${sequenceNumber}/${subSequenceNumber}`
}

// Without leading zeros, the longer number is the greater; those of one length compare as text.
function compareDigits(a: string, b: string): number {
  if (a === b) return 0
  const left = a.replace(LEADING_ZEROS, '')
  const right = b.replace(LEADING_ZEROS, '')
  if (left.length !== right.length) return left.length < right.length ? -1 : 1
  return left === right ? 0 : left < right ? -1 : 1
}

const LEADING_ZEROS = /^0+(?=\d)/
