// What Kinesis says about a stream: whether it is there and whose it is, its shards, and whether a position is its own.

import { type AwsCall, AwsError, mayRetry } from '../../aws/client.ts'
import { nearest } from '../../nearest.ts'
import { setTimeout } from '../../timers.ts'
import type { Finding } from '../configuration/lint/finding.ts'
import type { Setting } from '../configuration/setting.ts'
import type { Lease, Shard } from './lease-table.ts'

/** The stream's name, from the name or the ARN, as the daemon takes it. */
export function streamNameOf(settings: ReadonlyMap<string, Setting>): string | undefined {
  const arn = settings.get('streamArn')?.value.trim()
  return arn?.slice(arn.lastIndexOf('/') + 1) || settings.get('streamName')?.value.trim() || undefined
}

/** What is wrong with the stream, if anything is, and the most bytes that its records may have. Throws where it cannot be asked. */
export async function lookAtStream(
  kinesis: AwsCall,
  stream: string,
  region: string,
  arn?: string,
): Promise<{ trouble?: Finding; most: number }> {
  try {
    const answer = (await patiently(kinesis, 'DescribeStreamSummary', { StreamName: stream })) as {
      StreamDescriptionSummary?: {
        StreamStatus?: string
        StreamARN?: string
        MaxRecordSizeInKiB?: number | null
      }
    }
    const { StreamStatus, StreamARN, MaxRecordSizeInKiB } = answer.StreamDescriptionSummary ?? {}
    const most = (MaxRecordSizeInKiB ?? 1024) * 1024
    const [wanted, own] = [arn, StreamARN].map((text) => text?.split(':')[4])
    if (wanted && own && wanted !== own) {
      return {
        most: 0,
        trouble: {
          severity: 'error',
          key: 'streamArn',
          message: `streamArn is of the account ${wanted}, but these credentials are of ${own}: the daemon would read the stream ${stream} of that account.`,
          remedy: `Assume a role of ${wanted} in AwsCredentialsProvider.`,
        },
      }
    }
    if (StreamStatus !== 'DELETING') return { most }
    return {
      most: 0,
      trouble: {
        severity: 'error',
        key: 'streamName',
        message: `The stream ${stream} in ${region} is being deleted.`,
        remedy: 'Name another one.',
      },
    }
  } catch (error) {
    if (!(error instanceof AwsError && error.exception === 'ResourceNotFoundException')) throw error
  }
  const near = nearest(stream, await streamNames(kinesis))
  return {
    most: 0,
    trouble: {
      severity: 'error',
      key: 'streamName',
      message: `There is no stream ${stream} in ${region}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
      remedy: `Correct streamName or the region, or create it.`,
    },
  }
}

/** Every shard that the stream still has. */
export async function shardsOf(kinesis: AwsCall, stream: string): Promise<Shard[]> {
  const shards: Shard[] = []
  let next: string | null | undefined
  do {
    const answer = (await patiently(
      kinesis,
      'ListShards',
      next ? { NextToken: next } : { StreamName: stream },
    )) as { Shards?: ListedShard[]; NextToken?: string | null }
    for (const { ShardId, HashKeyRange, SequenceNumberRange } of answer.Shards ?? []) {
      shards.push({
        shardId: ShardId,
        startingHashKey: HashKeyRange.StartingHashKey,
        endingHashKey: HashKeyRange.EndingHashKey,
        first: SequenceNumberRange.StartingSequenceNumber,
      })
    }
    next = answer.NextToken
  } while (next)
  return shards
}

/** What Kinesis says against positions of leases, where ranges do not tell: it knows those of other streams. */
export async function disowned(
  kinesis: AwsCall,
  stream: string,
  leases: readonly Lease[],
): Promise<string | undefined> {
  for (const { shardId, checkpoint } of leases) {
    try {
      await kinesis('GetShardIterator', {
        StreamName: stream,
        ShardId: shardId,
        ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
        StartingSequenceNumber: checkpoint,
      })
    } catch (error) {
      if (error instanceof AwsError && /did not come from this stream/.test(error.message)) {
        return `Kinesis does not know the position of its lease of ${shardId}`
      }
    }
  }
  return undefined
}

/** Asks again where the service is busy. */
export async function patiently(
  call: AwsCall,
  action: string,
  request: object,
): Promise<Readonly<Record<string, unknown>>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(action, request)
    } catch (error) {
      if (attempt === TRIES || !(error instanceof AwsError) || !mayRetry(error)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, FIRST_DELAY * 2 ** attempt))
  }
}

async function streamNames(kinesis: AwsCall): Promise<string[]> {
  const names: string[] = []
  try {
    for (let page = 0; page < MOST_PAGES; page++) {
      const last = names.at(-1)
      const answer = (await kinesis('ListStreams', {
        Limit: 1000,
        ...(last !== undefined && { ExclusiveStartStreamName: last }),
      })) as { StreamNames?: string[]; HasMoreStreams?: boolean }
      names.push(...(answer.StreamNames ?? []))
      if (answer.HasMoreStreams !== true || names.at(-1) === last) break
    }
  } catch {
    // Who may not list the streams goes without a suggestion.
  }
  return names
}

interface ListedShard {
  readonly ShardId: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
  readonly SequenceNumberRange: {
    readonly StartingSequenceNumber: string
    readonly EndingSequenceNumber?: string | null
  }
}

const MOST_PAGES = 10
const TRIES = 3
const FIRST_DELAY = 100
