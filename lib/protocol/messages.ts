/** A place in a shard. Sequence numbers are decimal digits, up to 56 of them: never numbers. */
export interface Position {
  readonly sequenceNumber: string
  /** Counts the user records inside one aggregated record from 0; 0 elsewhere. */
  readonly subSequenceNumber: number
}
