// Numbers that look random and are the same for the same seed, so that a run with faults can be repeated.

import { createHash } from 'node:crypto'

/** A source of numbers from 0 up to, not including, 1. */
export type Random = () => number

/** The numbers of a seed; each further word gives a sequence of its own. */
export function seeded(seed: number, ...words: readonly (string | number)[]): Random {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...words]))
    .digest()
  let state = digest.readUInt32LE(0)
  // A 32 bit counter, scrambled (the finalizer of MurmurHash3): plenty for dice.
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}
