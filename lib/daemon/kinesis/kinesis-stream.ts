// The shards of a stream in Kinesis, with the records that were read of them so far. A shard is a log, as that of a
// file is, but its records come with sequence numbers of their own, and are given up when a checkpoint covers them.

import { comparePositions } from '../conversation/checkpointer.ts'
import type { DeliveredRecord, LeasePosition } from '../conversation/messages.ts'
import { Column } from '../stream/column.ts'
import type { HashRange } from '../stream/hash-range.ts'
import { LARGEST_READ, type Shard, type ShardStream } from '../stream/stream.ts'
import { userRecords } from './aggregated.ts'
import { type KeptRecord, Spool } from './spool.ts'

/** A record as GetRecords brings it. */
export type StreamRecord = Omit<KeptRecord, 'subSequenceNumber'>

/** What is read of a stream. */
export class KinesisStream implements ShardStream {
  readonly spool: Spool
  readonly #shards: ReadShard[] = []

  constructor(spool: Spool = new Spool()) {
    this.spool = spool
  }

  get shards(): readonly Shard[] {
    return this.#shards
  }

  /** A shard that will be read after this position. Parents that are not read do not count. */
  add(info: { id: string; range: HashRange; parents: readonly string[] }, after: LeasePosition): Shard {
    const shard: ReadShard = {
      number: this.#shards.length,
      id: info.id,
      range: info.range,
      parents: this.#shards.filter(({ id }) => info.parents.includes(id)).map(({ number }) => number),
      closedAt: null,
      log: new Column((size) => new Uint32Array(size)),
      after,
      released: 0,
      millisBehind: 0,
    }
    this.#shards.push(shard)
    return shard
  }

  /** Records that were read, and how far behind the newest one that was. */
  append(shard: Shard, records: readonly StreamRecord[], millisBehind: number): void {
    const found = this.#own(shard)
    found.millisBehind = millisBehind
    for (const { data, partitionKey, ...rest } of records) {
      for (const user of userRecords(data, partitionKey, found.range)) {
        const record = { ...rest, ...user }
        // Reading begins at the record of a position, not behind it: an aggregate may be finished in part.
        if (comparePositions(record, found.after) > 0) found.log.push(this.spool.append(record))
      }
    }
  }

  /** All records of a closed shard were read. */
  close(shard: Shard): void {
    this.#own(shard).closedAt = this.spool.records
  }

  /** A checkpoint covers everything up to this position. */
  release(shard: Shard, position: LeasePosition): void {
    const found = this.#own(shard)
    const covered = this.cursorAfter(shard, position)
    for (; found.released < covered; found.released += 1) this.spool.release(found.log.at(found.released))
  }

  /** What the service splits and merges is its own business. */
  split(): null {
    return null
  }

  merge(): null {
    return null
  }

  cursorAfter(shard: Shard, position: LeasePosition): number {
    let low = this.#own(shard).released
    let high = shard.log.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (comparePositions(this.spool.position(shard.log.at(middle)), position) > 0) high = middle
      else low = middle + 1
    }
    return low
  }

  read(shard: Shard, cursor: number, max: number): DeliveredRecord[] {
    const records: DeliveredRecord[] = []
    let bytes = 0
    for (let at = cursor; at < Math.min(cursor + max, shard.log.length); at += 1) {
      const { data, partitionKey, arrivedAt, sequenceNumber, subSequenceNumber } = this.spool.read(
        shard.log.at(at),
      )
      bytes += data.length
      if (bytes > LARGEST_READ && records.length > 0) break
      records.push({
        data: data.toString('base64'),
        partitionKey,
        sequenceNumber,
        approximateArrivalTimestamp: arrivedAt,
        subSequenceNumber,
      })
    }
    return records
  }

  millisBehind(shard: Shard): number {
    return this.#own(shard).millisBehind
  }

  #own(shard: Shard): ReadShard {
    const found = this.#shards[shard.number]
    if (found === undefined) throw new RangeError(`${shard.id} is not in the stream`)
    return found
  }
}

interface ReadShard extends Shard {
  closedAt: number | null
  readonly after: LeasePosition
  /** Records before this cursor are gone. */
  released: number
  millisBehind: number
}
