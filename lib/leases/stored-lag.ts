// How old the first record is that no checkpoint covers, asked of Kinesis itself: exact, and for the whole
// application. It costs each shard one of its five reads a second, so it is done only where it was asked for.

import type { AwsCall } from '../aws/client.ts'
import type { Lease } from './lease-table.ts'

/** Seconds by shard; 0: all is stored; null: the checkpoint is not a place in the stream, or the stream is long. */
export async function storedLags(
  kinesis: AwsCall,
  stream: string,
  leases: readonly Lease[],
  now: () => number,
): Promise<Map<string, number | null>> {
  const lags = new Map<string, number | null>()
  for (const lease of leases) lags.set(lease.shard, await storedLag(kinesis, stream, lease, now))
  return lags
}

async function storedLag(
  kinesis: AwsCall,
  stream: string,
  { shard, checkpoint }: Lease,
  now: () => number,
): Promise<number | null> {
  const from = startOf(checkpoint)
  if (from === null) return null
  const place = stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream }
  const { ShardIterator } = await kinesis('GetShardIterator', { ...place, ShardId: shard, ...from })
  let iterator: unknown = ShardIterator
  // A part of the shard without records gives empty answers that are not at the tip.
  for (let reads = 0; reads < MOST_READS && typeof iterator === 'string'; reads += 1) {
    const answer = (await kinesis('GetRecords', { ShardIterator: iterator, Limit: 1 })) as {
      Records?: readonly { ApproximateArrivalTimestamp?: number }[]
      MillisBehindLatest?: number
      NextShardIterator?: string | null
    }
    const arrived = answer.Records?.[0]?.ApproximateArrivalTimestamp
    if (arrived !== undefined) return Math.max(0, now() / 1000 - arrived)
    if (answer.MillisBehindLatest === 0) return 0
    iterator = answer.NextShardIterator ?? undefined
    if (iterator === undefined) return 0
  }
  return null
}

function startOf(checkpoint: string): object | null {
  if (/^\d+$/.test(checkpoint)) {
    return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: checkpoint }
  }
  return checkpoint === 'TRIM_HORIZON' ? { ShardIteratorType: 'TRIM_HORIZON' } : null
}

const MOST_READS = 5
