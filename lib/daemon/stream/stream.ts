// The stream that the daemon reads: the input's records, dealt out to shards by the hash of their partition key.
// A shard is a log of record numbers; a cursor is an index into it. Nothing is taken out by reading, so a lease can
// begin again anywhere, as on Kinesis. A split or a merge closes shards at a record; what comes after it goes to
// their children, and is dealt out the same way when the stream is built again from its shards and its input.

import { UsageError } from '../../errors.ts'
import { comparePositions } from '../conversation/checkpointer.ts'
import type { DeliveredRecord, LeasePosition } from '../conversation/messages.ts'
import { evenRanges, type HashRange, inHex, joinRanges, splitRange } from './hash-range.ts'
import { md5 } from './md5.ts'
import { Ordinals, type RecordLog } from './ordinals.ts'
import { SequenceNumbers, shardName } from './sequence-number.ts'

/** One shard of the stream. */
export interface Shard {
  readonly number: number
  /** As in `shardId-000000000000`. */
  readonly id: string
  readonly range: HashRange
  /** The shards that have to end before this one is read. */
  readonly parents: readonly number[]
  /** The first record that is not in it any more, where it was closed; else null. */
  readonly closedAt: number | null
  /** The numbers of its records. */
  readonly log: RecordLog
}

/** Shards and their records, as the daemon reads them: a file's, or those of a stream in Kinesis. */
export interface ShardStream {
  /** All shards, parents before their children. */
  readonly shards: readonly Shard[]
  /** Two shards instead of one, from the cursor on; null where that cannot be done. */
  split(shard: Shard, cursor: number, reader: RecordReader): readonly Shard[] | null
  /** One shard instead of it and a neighbour, from where each is read; null where that cannot be done. */
  merge(shard: Shard, cursorOf: (shard: Shard) => number, reader: RecordReader): readonly Shard[] | null
  /** The cursor of the first record after a position: also how many records the position covers. */
  cursorAfter(shard: Shard, position: LeasePosition): number
  /** Records from a cursor on, ready for the wire: at most `max`, at least one, and no more than one read brings. */
  read(shard: Shard, cursor: number, max: number, reader: RecordReader): DeliveredRecord[]
  /** How far the last record that is there is behind the newest one, in milliseconds. */
  millisBehind(shard: Shard): number
}

/** What is needed to build a shard again. */
export type ShardPlan = Pick<Shard, 'range' | 'parents' | 'closedAt'>

/** Reads a record of the input by its number. */
export interface RecordReader {
  read(ordinal: number): {
    data: Buffer
    partitionKey: string
    arrivedAt: number
    /** In 32 hex digits, where it is not the MD5 of the key. */
    hashKey?: string | undefined
  }
}

export interface StreamOptions {
  /** How many shards, or the shards of an earlier run. */
  readonly shards: number | readonly ShardPlan[]
  /** In milliseconds since the epoch; the sequence numbers follow from it. */
  readonly createdAt: number
  /** How many records share a sequence number, as the KPL packs them; 1: none. */
  readonly aggregate?: number
}

/** The shards of a stream and what is in them. */
export class Stream implements ShardStream {
  readonly createdAt: number
  readonly #shards: OpenShard[] = []
  readonly #roots: OpenShard[] = []
  readonly #numbers: SequenceNumbers
  readonly #aggregate: number

  constructor(options: StreamOptions) {
    const { shards } = options
    this.createdAt = options.createdAt
    this.#numbers = new SequenceNumbers(options.createdAt)
    this.#aggregate = options.aggregate ?? 1
    const plans =
      typeof shards === 'number'
        ? evenRanges(shards).map((range) => ({ range, parents: [], closedAt: null }))
        : shards
    for (const plan of plans) this.#open(plan.range, plan.parents).closedAt = plan.closedAt
  }

  /** All shards, parents before their children. */
  get shards(): readonly Shard[] {
    return this.#shards
  }

  /** Puts the input's next record into the shard of its key, which is asked for only where it decides. */
  put(ordinal: number, partitionKey: () => string, explicit?: () => string | undefined): void {
    let hash: string | undefined
    let among: readonly OpenShard[] = this.#roots
    let shard: OpenShard | undefined
    do {
      if (among.length === 1) shard = among[0]
      else {
        const known = hash ?? explicit?.() ?? md5(partitionKey())
        hash = known
        shard = among.find((one) => one.first <= known && known <= one.last)
      }
      among = shard?.children ?? []
    } while (shard !== undefined && shard.closedAt !== null && ordinal >= shard.closedAt)
    shard?.log.push(ordinal)
  }

  /** Splits a shard: its records from the cursor on go to two children. Null where it cannot be split. */
  split(shard: Shard, cursor: number, reader: RecordReader): readonly Shard[] | null {
    const parent = this.#openShard(shard)
    if (parent === undefined || parent.range.start === parent.range.end) return null
    return this.#replace([parent], [cursor], splitRange(parent.range), reader)
  }

  /** Merges a shard with its open neighbour; `cursorOf` tells where each is read. Null where there is none. */
  merge(shard: Shard, cursorOf: (shard: Shard) => number, reader: RecordReader): readonly Shard[] | null {
    const parent = this.#openShard(shard)
    const neighbour = this.#shards.find(
      (one) => one.closedAt === null && parent !== undefined && joinRanges(parent.range, one.range) !== null,
    )
    const range = parent && neighbour ? joinRanges(parent.range, neighbour.range) : null
    if (parent === undefined || neighbour === undefined || range === null) return null
    const parents = [parent, neighbour]
    return this.#replace(parents, parents.map(cursorOf), [range], reader)
  }

  /** The position of the record at a cursor. */
  positionAt(shard: Shard, cursor: number): LeasePosition {
    const subSequenceNumber = cursor % this.#aggregate
    const ordinal = shard.log.at(cursor - subSequenceNumber)
    return { sequenceNumber: this.#numbers.of(shard.number, ordinal), subSequenceNumber }
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

  /** Records from a cursor on, ready for the wire: at most `max`, at least one, and no more than one read brings. */
  read(shard: Shard, cursor: number, max: number, reader: RecordReader): DeliveredRecord[] {
    const records: DeliveredRecord[] = []
    // An aggregate comes whole: the daemon counts it as one record.
    const whole = Math.ceil((cursor + max) / this.#aggregate) * this.#aggregate
    const end = Math.min(whole, shard.log.length)
    let bytes = 0
    for (let at = cursor; at < end; at += 1) {
      const { data, partitionKey, arrivedAt } = reader.read(shard.log.at(at))
      bytes += data.length
      if (bytes > LARGEST_READ && records.length > 0 && at % this.#aggregate === 0) break
      const { sequenceNumber, subSequenceNumber } = this.positionAt(shard, at)
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

  /** All that there is in a file is there at once. */
  millisBehind(): number {
    return 0
  }

  #openShard(shard: Shard): OpenShard | undefined {
    const found = this.#shards[shard.number]
    return found?.closedAt === null ? found : undefined
  }

  #open(range: HashRange, parents: readonly number[]): OpenShard {
    const number = this.#shards.length
    const shard: OpenShard = {
      number,
      id: shardName(number),
      range,
      first: inHex(range.start),
      last: inHex(range.end),
      parents,
      closedAt: null,
      children: [],
      log: new Ordinals(),
    }
    for (const parent of parents) {
      const found = this.#shards[parent]
      if (found === undefined)
        throw new UsageError(`Shard ${number} has a parent ${parent} that does not exist.`)
      found.children.push(shard)
    }
    this.#shards.push(shard)
    if (parents.length === 0) this.#roots.push(shard)
    return shard
  }

  // Records that nobody has read yet move to the children, in the order of the input.
  #replace(
    parents: readonly OpenShard[],
    cursors: readonly number[],
    ranges: readonly HashRange[],
    reader: RecordReader,
  ): readonly Shard[] {
    const numbers = parents.map((parent) => parent.number)
    const children = ranges.map((range) => this.#open(range, numbers))
    const moved: number[] = []
    for (const [at, parent] of parents.entries()) {
      const cursor = cursors[at] ?? parent.log.length
      for (let entry = cursor; entry < parent.log.length; entry += 1) moved.push(parent.log.at(entry))
      parent.closedAt = cursor < parent.log.length ? parent.log.at(cursor) : this.#nextOrdinal()
      parent.log.truncate(cursor)
    }
    moved.sort((a, b) => a - b)
    for (const ordinal of moved) {
      const read = (): ReturnType<RecordReader['read']> => reader.read(ordinal)
      this.put(
        ordinal,
        () => read().partitionKey,
        () => read().hashKey,
      )
    }
    return children
  }

  // Nothing is known of the records to come but that they come after all that are there.
  #nextOrdinal(): number {
    return Math.max(0, ...this.#shards.map(({ log }) => (log.length === 0 ? 0 : log.at(log.length - 1) + 1)))
  }
}

interface OpenShard extends Shard {
  /** Its range in hex, as MD5s come. */
  readonly first: string
  readonly last: string
  closedAt: number | null
  readonly children: OpenShard[]
}

/** GetRecords answers with 10 MiB at most. */
export const LARGEST_READ: number = 10 * 1024 * 1024
