// Where a partition key belongs: Kinesis takes the MD5 of the key as a number of 128 bits and gives each shard a
// range of those numbers. Ranges are inclusive at both ends, as in Kinesis.

import { md5 } from './md5.ts'

/** A shard's part of the 128 bit hash keys, both ends included. */
export interface HashRange {
  readonly start: bigint
  readonly end: bigint
}

/** The hash key of a partition key. */
export function hashKey(partitionKey: string): bigint {
  return BigInt(`0x${md5(partitionKey)}`)
}

/** A hash key as 32 hex digits, which compare as the numbers do, and faster. */
export function inHex(hash: bigint): string {
  return hash.toString(16).padStart(32, '0')
}

/** The ranges of `count` shards, as even as Kinesis makes them. */
export function evenRanges(count: number): HashRange[] {
  const size = (LARGEST + 1n) / BigInt(count)
  return Array.from({ length: count }, (_, index) => ({
    start: size * BigInt(index),
    end: index === count - 1 ? LARGEST : size * BigInt(index + 1) - 1n,
  }))
}

/** The two halves of a range. */
export function splitRange(range: HashRange): [HashRange, HashRange] {
  const middle = (range.start + range.end) / 2n
  return [
    { start: range.start, end: middle },
    { start: middle + 1n, end: range.end },
  ]
}

/** The range of two neighbours, or null where they are none. */
export function joinRanges(a: HashRange, b: HashRange): HashRange | null {
  if (a.end + 1n === b.start) return { start: a.start, end: b.end }
  if (b.end + 1n === a.start) return { start: b.start, end: a.end }
  return null
}

/** Whether the number falls into the range. */
export function covers(range: HashRange, hash: bigint): boolean {
  return range.start <= hash && hash <= range.end
}

/** The largest hash key there is. */
export const LARGEST: bigint = 2n ** 128n - 1n
