// Reads one shard with GetRecords, from a position to its end, at its pace. Rule: whatever happens to an iterator, the
// next one begins after the last record that was read, so that none comes twice and none is passed over.

import { AwsError, mayRetry } from '../../aws/client.ts'
import {
  forGood,
  getIterator,
  getRecords,
  type IteratorStart,
  pause,
  type Read,
  type StreamAccess,
} from './kinesis-reads.ts'
import type { StreamRecord } from './kinesis-stream.ts'
import { Pace } from './pace.ts'

export interface ShardReaderOptions {
  readonly access: StreamAccess
  readonly shardId: string
  readonly start: IteratorStart
  /** Which part of the shard's limits to use, up to 1. */
  readonly share: number
  /** Records that arrived later are not read, in milliseconds since the epoch; null: all that come. */
  readonly until: number | null
  readonly onRecords: (records: readonly StreamRecord[], millisBehind: number) => void
  /** Awaited before each read; is told the mean size of a record, in bytes. */
  readonly hold: (meanSize: number) => Promise<void>
}

/** Why reading ended: the shard was closed, the time was reached, or the signal aborted. */
export type ReaderEnd = 'closed' | 'until' | 'stopped'

/** Reads a shard. Throws `UsageError` for what will not pass. */
export async function readShard(options: ShardReaderOptions): Promise<ReaderEnd> {
  const { access, until, onRecords, hold } = options
  const { signal, clock } = access
  const pace = new Pace(options.share)
  const iterators = new Iterators(options)
  for (;;) {
    await hold(pace.meanSize)
    if (signal.aborted) return 'stopped'
    const read = await readOnce(options, iterators, pace)
    if (read === null) continue
    const late = until === null ? -1 : read.records.findIndex(({ arrivedAt }) => arrivedAt > until)
    onRecords(late === -1 ? read.records : read.records.slice(0, late), read.millisBehind)
    if (late !== -1) return 'until'
    if (read.next === null) return 'closed'
    // At the tip of the shard, nothing more can arrive before a time that has passed.
    const atTip = read.records.length === 0 && read.millisBehind === 0
    if (until !== null && atTip && Date.now() > until) return 'until'
    await pause(clock, pace.read(read.records.length, read.bytes), signal)
  }
}

// Null where it has to be tried again.
async function readOnce(
  { access, shardId }: ShardReaderOptions,
  iterators: Iterators,
  pace: Pace,
): Promise<Read | null> {
  try {
    const read = await getRecords(access, await iterators.current(), pace.limit)
    iterators.went(read)
    return read
  } catch (error) {
    if (access.signal.aborted) return null
    if (error instanceof AwsError && error.exception === 'ExpiredIteratorException') {
      access.note(`${shardId}: the iterator expired; reading goes on after the last record.`)
      iterators.expired()
      return null
    }
    if (!mayRetry(error)) throw forGood(error, access.stream)
    const delay = pace.refused(Math.random())
    access.note(`${shardId}: ${(error as Error).message}; it is read again in ${Math.round(delay)} ms.`)
    await pause(access.clock, delay, access.signal)
    return null
  }
}

// The iterator of one shard, and where the next one would begin.
class Iterators {
  readonly #options: ShardReaderOptions
  #start: IteratorStart
  #iterator: string | null = null

  constructor(options: ShardReaderOptions) {
    this.#options = options
    this.#start = options.start
  }

  async current(): Promise<string> {
    const { access, shardId } = this.#options
    if (this.#iterator === null) {
      const since = Date.now()
      this.#iterator = await getIterator(access, shardId, this.#start)
      // Asked for again, it would be a later one.
      if (this.#start.type === 'LATEST') this.#start = { type: 'AT_TIMESTAMP', time: since }
    }
    return this.#iterator
  }

  went({ records, next }: Read): void {
    const last = records.at(-1)
    if (last !== undefined)
      this.#start = { type: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: last.sequenceNumber }
    this.#iterator = next
  }

  expired(): void {
    this.#iterator = null
  }
}
