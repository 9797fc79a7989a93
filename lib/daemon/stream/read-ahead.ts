// A shard's next batch, read while its consumer is at work on the one before: where there is no other shard, each would
// else wait for the other.
// Rule: what comes of it is what a read at that moment would have brought.

import { setImmediate } from '../../timers.ts'
import type { DeliveredRecord } from '../conversation/messages.ts'
import type { RecordLog } from './ordinals.ts'

/** Reads one shard, a batch ahead where it is told to. */
export class ReadAhead {
  readonly #log: RecordLog
  readonly #readFrom: (cursor: number) => DeliveredRecord[]
  /** What was read, from where, and how long the log was then. */
  #ahead: { cursor: number; length: number; records: DeliveredRecord[] } | null = null

  constructor(log: RecordLog, readFrom: (cursor: number) => DeliveredRecord[]) {
    this.#log = log
    this.#readFrom = readFrom
  }

  /** The batch that begins there. */
  read(cursor: number): DeliveredRecord[] {
    const ahead = this.#ahead
    this.#ahead = null
    const isRight = ahead?.cursor === cursor && ahead.length === this.#log.length
    return isRight ? ahead.records : this.#readFrom(cursor)
  }

  /** Reads the batch that begins there when what is in hand now is done. */
  prepare(cursor: number): void {
    setImmediate(() => {
      const { length } = this.#log
      if (cursor >= length) return
      try {
        this.#ahead = { cursor, length, records: this.#readFrom(cursor) }
      } catch {
        // Whoever wants it reads it again, and learns why it cannot be read.
      }
    })
  }
}
