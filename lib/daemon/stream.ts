// The stream that the daemon reads: the input's records, dealt out to shards by the hash of their partition key.
// A shard is a log of record numbers; a cursor is an index into it. Nothing is taken out by reading, so a lease can
// begin again anywhere, as on Kinesis.

import { comparePositions } from './checkpointer.ts'
import { Column } from './column.ts'
import { covers, evenRanges, type HashRange, hashKey } from './hash-range.ts'
import type { DeliveredRecord, LeasePosition } from './messages.ts'
import { SequenceNumbers, shardName } from './sequence-number.ts'

/** One shard of the stream. */
export interface Shard {
  readonly number: number
  /** As in `shardId-000000000000`. */
  readonly id: string
  readonly range: HashRange
  /** The shards that have to end before this one is read. */
  readonly parents: readonly number[]
  /** The numbers of its records. */
  readonly log: Column
}

/** Reads a record of the input by its number. */
export interface RecordReader {
  read(ordinal: number): { data: Buffer; partitionKey: string; arrivedAt: number }
}

/** The shards of a stream and what is in them. */
export class Stream {
  readonly shards: Shard[]
  readonly #numbers: SequenceNumbers

  constructor(shards: number, createdAt: number) {
    this.#numbers = new SequenceNumbers(createdAt)
    this.shards = evenRanges(shards).map((range, number) => newShard(number, range, []))
  }

  /** Puts the input's next record into the shard of its key. */
  put(ordinal: number, partitionKey: string): void {
    const hash = hashKey(partitionKey)
    this.shards.find((shard) => covers(shard.range, hash))?.log.push(ordinal)
  }

  /** The position of the record at a cursor. */
  positionAt(shard: Shard, cursor: number): LeasePosition {
    return { sequenceNumber: this.#numbers.of(shard.number, shard.log.at(cursor)), subSequenceNumber: 0 }
  }

  /** The cursor of the first record after a position: also how many records the position covers. */
  cursorAfter(shard: Shard, position: LeasePosition): number {
    let low = 0
    let high = shard.log.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (comparePositions(this.positionAt(shard, middle), position) > 0) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Up to `max` records from a cursor on, ready for the wire; at least one, and no more than fit into one read. */
  read(shard: Shard, cursor: number, max: number, reader: RecordReader): DeliveredRecord[] {
    const records: DeliveredRecord[] = []
    const end = Math.min(cursor + max, shard.log.length)
    let bytes = 0
    for (let at = cursor; at < end; at += 1) {
      const { data, partitionKey, arrivedAt } = reader.read(shard.log.at(at))
      bytes += data.length
      if (bytes > LARGEST_READ && records.length > 0) break
      records.push({
        data: data.toString('base64'),
        partitionKey,
        approximateArrivalTimestamp: arrivedAt,
        ...this.positionAt(shard, at),
      })
    }
    return records
  }
}

function newShard(number: number, range: HashRange, parents: readonly number[]): Shard {
  return { number, id: shardName(number), range, parents, log: new Column((size) => new Uint32Array(size)) }
}

// GetRecords answers with 10 MiB at most.
const LARGEST_READ = 10 * 1024 * 1024
