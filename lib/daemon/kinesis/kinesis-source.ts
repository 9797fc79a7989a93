// Reads a stream in Kinesis for the embedded daemon: a reader for each shard, begun when its parents are read to their
// end, and the shards that come of it. It asks for records and nothing else: no lease, no checkpoint, no metric.

import { UsageError } from '../../errors.ts'
import { TRIM_HORIZON } from '../conversation/checkpointer.ts'
import type { LeasePosition } from '../conversation/messages.ts'
import type { Shard } from '../stream/stream.ts'
import { describeStream, listShards, type StreamAccess, startAt } from './kinesis-reads.ts'
import type { KinesisStream } from './kinesis-stream.ts'
import type { SavedStream } from './saved-stream.ts'
import {
  AT_TIMESTAMP,
  beginning,
  type From,
  LATEST,
  type ListedShard,
  withDescendants,
} from './shard-list.ts'
import { readShard } from './shard-reader.ts'

/** What is to be read. */
export interface KinesisSourceOptions {
  readonly access: StreamAccess
  readonly from: From
  /** The shards asked for, or null for all. */
  readonly only: readonly string[] | null
  readonly until: number | null
  readonly share: number
  /** What an earlier run left, or null. */
  readonly saved: SavedStream | null
}

/** Whoever the records are for. */
export interface Taker {
  addShards(shards: readonly Shard[]): void
  moreInput(): void
  endInput(): void
  failInput(error: unknown): void
  /** How many records of a shard were not delivered yet. */
  waitingOf(shard: Shard): number
  /** Resolves when that may have changed. */
  changed(): Promise<void>
  /** Whether nothing more will be delivered. */
  readonly stopping: boolean
}

/** A stream that was found. */
export class KinesisSource {
  readonly stream: KinesisStream
  /** The stream itself, to tell it from another one of the same name. */
  readonly arn: string
  readonly createdAt: number
  /** The time that shards begin at whose lease stands at a time, or at what was the latest in an earlier run. */
  readonly since: number
  /** Where the leases stand. */
  readonly positions: ReadonlyMap<string, LeasePosition>
  readonly #options: KinesisSourceOptions
  readonly #reading = new Map<Shard, Promise<void>>()

  private constructor(
    options: KinesisSourceOptions,
    stream: KinesisStream,
    found: { arn: string; createdAt: number; positions: ReadonlyMap<string, LeasePosition>; since: number },
  ) {
    this.#options = options
    this.stream = stream
    this.arn = found.arn
    this.createdAt = found.createdAt
    this.positions = found.positions
    this.since = found.since
  }

  /** Finds the stream and its shards. Throws `UsageError` where that cannot be, or the state is another stream's. */
  static async open(options: KinesisSourceOptions, stream: KinesisStream): Promise<KinesisSource> {
    const { access, saved, only } = options
    const { arn, createdAt } = await describeStream(access)
    if (saved !== null && (saved.arn !== arn || saved.createdAt !== createdAt)) {
      throw new UsageError(
        `The state is that of ${saved.arn}, not of ${arn} as it is now: use another folder.`,
      )
    }
    const from: From = saved === null ? options.from : { kind: 'checkpoints', checkpoints: saved.positions }
    const since = saved?.since ?? (from.kind === 'time' ? from.time : Date.now())
    const shards = beginning(await listShards(access), from, only)
    if (shards.length === 0) {
      throw new UsageError(`There is nothing to read: none of the shards asked for is in ${arn} any more.`)
    }
    for (const [info, position] of shards) stream.add(info, position)
    const positions = new Map(shards.map(([{ id }, position]) => [id, position] as const))
    return new KinesisSource(options, stream, { arn, createdAt, positions, since })
  }

  /** Reads until every shard is at its end, or the signal aborts. */
  async run(taker: Taker): Promise<void> {
    this.#begin(taker)
    for (let begun = 0; begun < this.#reading.size; ) {
      begun = this.#reading.size
      await Promise.all(this.#reading.values())
    }
    if (!this.#options.access.signal.aborted) taker.endInput()
  }

  // Whatever can be read now: shards that are not ended, and whose parents are read to their end.
  #begin(taker: Taker): void {
    const { shards } = this.stream
    for (const shard of shards) {
      const isReady = shard.parents.every((parent) => shards[parent]?.closedAt != null)
      if (!isReady || shard.closedAt !== null || this.#reading.has(shard)) continue
      const reading = this.#read(shard, taker).catch((error: unknown) => {
        if (!this.#options.access.signal.aborted) taker.failInput(error)
      })
      this.#reading.set(shard, reading)
    }
  }

  async #read(shard: Shard, taker: Taker): Promise<void> {
    const { access, share, until, saved } = this.#options
    const position = this.positions.get(shard.id) ?? TRIM_HORIZON
    const again = saved !== null && position.sequenceNumber === LATEST.sequenceNumber
    const end =
      position.sequenceNumber === 'SHARD_END'
        ? 'closed'
        : await readShard({
            access,
            shardId: shard.id,
            start: startAt(again ? AT_TIMESTAMP : position, this.since),
            share,
            until,
            onRecords: (records, millisBehind) => {
              this.stream.append(shard, records, millisBehind)
              if (records.length > 0) taker.moreInput()
            },
            hold: async (meanSize) => {
              const isAhead = (): boolean => taker.waitingOf(shard) * Math.max(1, meanSize) > AHEAD
              while (isAhead() && !taker.stopping) await taker.changed()
            },
          })
    if (end === 'closed') await this.#close(shard, taker)
  }

  // The children are there before their parent ends, so that the run does not end between them.
  async #close(shard: Shard, taker: Taker): Promise<void> {
    const known = new Set(this.stream.shards.map(({ id }) => id))
    const added = (await this.#family(known)).filter(({ id }) => !known.has(id))
    taker.addShards(added.map((info) => this.stream.add(info, TRIM_HORIZON)))
    this.stream.close(shard)
    taker.moreInput()
    this.#begin(taker)
  }

  async #family(known: ReadonlySet<string>): Promise<ListedShard[]> {
    const list = await listShards(this.#options.access)
    return withDescendants(
      list,
      list.map(({ id }) => id).filter((id) => known.has(id)),
    )
  }
}

// How much of a shard is read ahead of its consumer, in bytes.
const AHEAD = 16 * 1024 * 1024
