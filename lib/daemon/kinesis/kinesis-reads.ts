// What is asked of Kinesis to read a stream: its description, its shards, iterators and records.
// Rule: what may pass is asked again for as long as it takes, ever more slowly; what will not pass is one sentence.

import { type AwsCall, AwsError, mayRetry } from '../../aws/client.ts'
import { UsageError } from '../../errors.ts'
import type { Clock } from '../../time.ts'
import type { LeasePosition } from '../conversation/messages.ts'
import type { StreamRecord } from './kinesis-stream.ts'
import { Pace } from './pace.ts'
import { type ListedShard, listedShards } from './shard-list.ts'

/** A stream, and how it is asked. */
export interface StreamAccess {
  readonly kinesis: AwsCall
  /** Its name or its ARN. */
  readonly stream: string
  readonly clock: Clock
  /** When it aborts, nothing more is asked. */
  readonly signal: AbortSignal
  /** Told of what is waited for. */
  readonly note: (text: string) => void
}

/** Where an iterator begins. */
export type IteratorStart =
  | { readonly type: 'TRIM_HORIZON' | 'LATEST' }
  /** Milliseconds since the epoch. */
  | { readonly type: 'AT_TIMESTAMP'; readonly time: number }
  | { readonly type: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'; readonly sequenceNumber: string }

/** What GetRecords answered. */
export interface Read {
  readonly records: StreamRecord[]
  readonly bytes: number
  readonly millisBehind: number
  /** Null at the end of a closed shard. */
  readonly next: string | null
}

/** The ARN of the stream and when it was made: another one of the same name is another stream. */
export async function describeStream(access: StreamAccess): Promise<{ arn: string; createdAt: number }> {
  const answer = await untilAnswered(access, 'DescribeStreamSummary', streamOf(access))
  const { StreamARN, StreamCreationTimestamp } = (answer as { StreamDescriptionSummary: Description })
    .StreamDescriptionSummary
  return { arn: StreamARN, createdAt: epochMilliseconds(StreamCreationTimestamp) }
}

/** All shards that there still are. */
export async function listShards(access: StreamAccess): Promise<ListedShard[]> {
  const shards: unknown[] = []
  let token: string | undefined
  do {
    const request: object = token === undefined ? streamOf(access) : { NextToken: token }
    const answer = await untilAnswered(access, 'ListShards', request)
    const { Shards = [], NextToken } = answer as { Shards?: unknown[]; NextToken?: string | null }
    shards.push(...Shards)
    token = NextToken ?? undefined
  } while (token !== undefined)
  return listedShards(shards)
}

export async function getIterator(
  access: StreamAccess,
  shardId: string,
  start: IteratorStart,
): Promise<string> {
  const request = {
    ...streamOf(access),
    ShardId: shardId,
    ShardIteratorType: start.type,
    ...('time' in start && { Timestamp: start.time / 1000 }),
    ...('sequenceNumber' in start && { StartingSequenceNumber: start.sequenceNumber }),
  }
  const answer = await untilAnswered(access, 'GetShardIterator', request)
  return String(answer.ShardIterator)
}

/** One read, without a second try. */
export async function getRecords(access: StreamAccess, iterator: string, limit: number): Promise<Read> {
  const answer = (await access.kinesis('GetRecords', { ShardIterator: iterator, Limit: limit })) as ReadJson
  let bytes = 0
  const records = (answer.Records ?? []).map((record) => {
    const data = Buffer.from(record.Data ?? '', 'base64')
    bytes += data.length + Buffer.byteLength(record.PartitionKey)
    return {
      data,
      partitionKey: record.PartitionKey,
      sequenceNumber: record.SequenceNumber,
      arrivedAt: epochMilliseconds(record.ApproximateArrivalTimestamp),
    }
  })
  return {
    records,
    bytes,
    millisBehind: answer.MillisBehindLatest ?? 0,
    next: answer.NextShardIterator ?? null,
  }
}

/** Where an iterator for a lease that stands at a position begins; `since` is the time of its run. */
export function startAt({ sequenceNumber }: LeasePosition, since: number): IteratorStart {
  if (sequenceNumber === 'LATEST' || sequenceNumber === 'TRIM_HORIZON') return { type: sequenceNumber }
  if (sequenceNumber === 'AT_TIMESTAMP') return { type: 'AT_TIMESTAMP', time: since }
  return { type: 'AT_SEQUENCE_NUMBER', sequenceNumber }
}

/** What is said of an error that will not pass. */
export function forGood(error: unknown, stream: string): unknown {
  if (!(error instanceof AwsError)) {
    return error instanceof Error && !(error instanceof UsageError)
      ? new UsageError(`The stream ${stream} cannot be read. ${error.message}`, { cause: error })
      : error
  }
  const rights = /AccessDenied|UnrecognizedClient|InvalidSignature/.test(error.exception)
    ? ' The rights needed: kinesis:DescribeStreamSummary, ListShards, GetShardIterator and GetRecords.'
    : ''
  return new UsageError(`The stream ${stream} cannot be read. ${error.message}${rights}`, { cause: error })
}

/** Waits, but not beyond the signal. */
export function pause(clock: Clock, time: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const stop = clock.after(time, done)
    function done(): void {
      signal.removeEventListener('abort', done)
      stop()
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}

async function untilAnswered(
  access: StreamAccess,
  action: string,
  request: object,
): Promise<Readonly<Record<string, unknown>>> {
  const pace = new Pace(1)
  for (;;) {
    access.signal.throwIfAborted()
    try {
      return await access.kinesis(action, request)
    } catch (error) {
      if (!mayRetry(error)) throw forGood(error, access.stream)
      access.note(`${action}: ${(error as Error).message}; it is asked again.`)
      await pause(access.clock, pace.refused(Math.random()), access.signal)
    }
  }
}

function streamOf({ stream }: StreamAccess): object {
  return stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream }
}

function epochMilliseconds(value: unknown): number {
  return typeof value === 'number' ? Math.round(value * 1000) : Date.parse(String(value))
}

interface Description {
  readonly StreamARN: string
  readonly StreamCreationTimestamp: unknown
}

interface ReadJson {
  readonly Records?: readonly {
    readonly Data?: string | null
    readonly PartitionKey: string
    readonly SequenceNumber: string
    readonly ApproximateArrivalTimestamp?: unknown
  }[]
  readonly NextShardIterator?: string | null
  readonly MillisBehindLatest?: number | null
}
