// Sequence numbers as Kinesis makes them: 186 bits, 56 digits, growing with every record of the stream. From the
// top: the bits 10, the stream's creation in seconds (36), the shard's lowest digit (4), the record's number (64),
// a zero byte, the seconds again (36), the shard's number (32), and the version 2 (4). So neighbours on a stream
// differ by about 2^80, and a number says which record of which shard it is.

/** Sequence numbers of one stream. */
export class SequenceNumbers {
  readonly #seconds: bigint
  /** By the number of their shard. */
  readonly #rests: bigint[] = []

  /** `createdAt`: when the stream was created, in milliseconds since the epoch. */
  constructor(createdAt: number) {
    this.#seconds = BigInt(Math.floor(createdAt / 1000))
  }

  /** The sequence number of the stream's record `ordinal`, from 0, in the shard with this number. */
  of(shard: number, ordinal: number): string {
    return (this.#rest(shard) | (BigInt(ordinal) << 80n)).toString()
  }

  // All but the record's number.
  #rest(shard: number): bigint {
    const known = this.#rests[shard]
    if (known !== undefined) return known
    const index = BigInt(shard)
    const top = (2n << 40n) | (this.#seconds << 4n) | (index & 15n)
    const rest = (top << 144n) | (this.#seconds << 36n) | (index << 4n) | 2n
    this.#rests[shard] = rest
    return rest
  }
}

/** A shard's name. */
export function shardName(shard: number): string {
  return `shardId-${String(shard).padStart(12, '0')}`
}
