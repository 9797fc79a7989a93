// The daemon's checkpointer of one lease: which positions it stores, which it refuses, and what it stores when
// it is told none. Rule: last checkpoint ≤ new ≤ last record delivered; the names sort below all digits, and
// SHARD_END above them.

import type { CheckpointRequest, LeasePosition } from './messages.ts'

/** What became of a request: `stored` is null where nothing had to be written. */
export type CheckpointOutcome =
  | { readonly error: null; readonly stored: LeasePosition | null }
  | { readonly error: string; readonly why: string }

/** Where a lease starts that has no checkpoint yet. */
export const TRIM_HORIZON: LeasePosition = { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }
/** What is stored for a shard that has been read to its end. */
export const SHARD_END: LeasePosition = { sequenceNumber: 'SHARD_END', subSequenceNumber: 0 }

/** The checkpointer of one lease. */
export class Checkpointer {
  #last: LeasePosition
  #largest: LeasePosition
  #lastOfShard: LeasePosition | null = null

  constructor(initial: LeasePosition) {
    this.#last = initial
    this.#largest = initial
  }

  /** What the lease table holds. */
  get last(): LeasePosition {
    return this.#last
  }

  /** The last position of a batch that is handed out now. */
  deliver(position: LeasePosition): void {
    this.#largest = position
  }

  /** The shard has ended: from now on a checkpoint without a position means its end. */
  endShard(): void {
    this.#lastOfShard = this.#largest
    this.#largest = SHARD_END
  }

  /** Stores the position asked for, or says why not. */
  checkpoint(request: CheckpointRequest): CheckpointOutcome {
    const position = this.#positionOf(request)
    const why = this.#whyNot(position)
    if (why !== null) return { error: 'IllegalArgumentException', why }
    if (same(position, this.#last)) return { error: null, stored: null }
    const atEnd = this.#lastOfShard !== null && same(position, this.#lastOfShard)
    this.#last = atEnd ? SHARD_END : position
    return { error: null, stored: this.#last }
  }

  #positionOf(request: CheckpointRequest): LeasePosition {
    if (request.sequenceNumber === null) return this.#largest
    return { sequenceNumber: request.sequenceNumber, subSequenceNumber: request.subSequenceNumber ?? 0 }
  }

  #whyNot(position: LeasePosition): string | null {
    if (position.subSequenceNumber < 0) return 'the sub-sequence number is negative'
    if (!isPosition(position)) return 'the sequence number is not all digits'
    if (comparePositions(position, this.#last) < 0)
      return `it is below the last checkpoint, ${show(this.#last)}`
    if (comparePositions(position, this.#largest) > 0) {
      return `it is above the last record delivered, ${show(this.#largest)}`
    }
    return null
  }
}

/** Negative, zero or positive, as in `sort`. Both must be digits or names. */
export function comparePositions(a: LeasePosition, b: LeasePosition): number {
  const aEnds = a.sequenceNumber === SHARD_END.sequenceNumber
  const bEnds = b.sequenceNumber === SHARD_END.sequenceNumber
  if (aEnds || bEnds) return Number(aEnds) - Number(bEnds)
  const aRank = rank(a.sequenceNumber)
  const bRank = rank(b.sequenceNumber)
  if (aRank !== bRank) return aRank < bRank ? -1 : 1
  return a.subSequenceNumber - b.subSequenceNumber
}

/** A position in words. */
export function show(position: LeasePosition): string {
  return position.subSequenceNumber === 0
    ? position.sequenceNumber
    : `${position.sequenceNumber} sub ${position.subSequenceNumber}`
}

function isPosition(position: LeasePosition): boolean {
  return (
    /^[0-9]+$/.test(position.sequenceNumber) || position.sequenceNumber in RANKS || same(position, SHARD_END)
  )
}

function same(a: LeasePosition, b: LeasePosition): boolean {
  return a.sequenceNumber === b.sequenceNumber && a.subSequenceNumber === b.subSequenceNumber
}

function rank(sequenceNumber: string): bigint {
  return RANKS[sequenceNumber] ?? BigInt(sequenceNumber)
}

const RANKS: Readonly<Record<string, bigint>> = { AT_TIMESTAMP: -3n, TRIM_HORIZON: -2n, LATEST: -1n }
