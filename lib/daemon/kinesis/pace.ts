// How fast one shard may be read: 5 reads and 2 MB a second, which everybody who reads it with GetRecords shares. We
// take a part of both, and leave the rest to the application. Rule: what a read brought is waited for before the next.

/** The time between reads of one shard. */
export class Pace {
  readonly #interval: number
  readonly #bytesPerMillisecond: number
  #meanSize = 0
  #refusals = 0

  /** `share`: which part of the limits to use, up to 1. */
  constructor(share: number) {
    this.#interval = 1000 / (READS * share)
    this.#bytesPerMillisecond = (BYTES * share) / 1000
  }

  /** How many records to ask for, so that one read brings no more than its time allows. */
  get limit(): number {
    if (this.#meanSize === 0) return FIRST_LIMIT
    const fits = Math.floor((this.#bytesPerMillisecond * this.#interval) / this.#meanSize)
    return Math.min(MOST_RECORDS, Math.max(1, fits))
  }

  /** The mean size of a record, in bytes; 0 before the first. */
  get meanSize(): number {
    return this.#meanSize
  }

  /** After a read: how long to wait for the next one, in milliseconds. */
  read(records: number, bytes: number): number {
    this.#refusals = 0
    if (records > 0) this.#meanSize = Math.max(1, bytes / records)
    return Math.max(this.#interval, bytes / this.#bytesPerMillisecond)
  }

  /** After a read that was refused, or not answered; `dice` is between 0 and 1. */
  refused(dice: number): number {
    this.#refusals += 1
    return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.#refusals - 1)) * (0.5 + dice / 2)
  }
}

/** What Kinesis allows for one shard in a second. */
export const READS = 5
export const BYTES: number = 2 * 1024 * 1024

const MOST_RECORDS = 10_000
const FIRST_LIMIT = 100
const FIRST_DELAY = 500
const LONGEST_DELAY = 10_000
