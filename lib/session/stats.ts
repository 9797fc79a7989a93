// The figures that a session tells of itself.

/** Figures of a session. */
export interface Stats {
  /** Deliveries of the daemon acknowledged; empty ones do not count. */
  readonly batches: number
  /** Records finished. */
  readonly records: number
  /** Decoded data of the records finished. */
  readonly bytes: number
  /** Checkpoints stored. */
  readonly checkpoints: number
  /** Checkpoint tries after the first. */
  readonly retries: number
  /** Checkpoint tries that the daemon refused. */
  readonly refusals: number
  /** Records finished by `skipRest()` without being handed out, or by `'skip'` in `forEach`. */
  readonly skipped: number
  /** Records finished and not stored. */
  readonly unstored: number
  /**
   * Age of the oldest record that has arrived in the stream and is not finished, in milliseconds: it grows while a batch
   * is worked on, and while nobody reads. 0 where all is finished, null where nothing is known.
   */
  readonly lag: number | null
  /** Age of the oldest record that a crash would have delivered again; the lag, where all is stored. */
  readonly checkpointLag: number | null
  /** How far the last read was behind the tip of the shard, in milliseconds; null if unknown. The daemon reads ahead: this is not the lag. */
  readonly millisBehindLatest: number | null
}
