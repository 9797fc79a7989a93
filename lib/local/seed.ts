// Fills the lease tables before the daemon starts, so that the first record arrives seconds later: without
// that, it waits up to half a minute for the tables alone. Only ever on this machine, never on real tables.

import { type AwsCall, AwsError, awsClient } from '../aws/client.ts'
import { isLoopback } from '../aws/places.ts'
import { UsageError } from '../errors.ts'
import { setTimeout } from '../timers.ts'

/** What to make. */
export interface SeedOptions {
  readonly kinesisEndpoint: string
  readonly dynamoDBEndpoint: string
  readonly region: string
  readonly streamName: string
  readonly shards: number
  readonly applicationName: string
  /** The worker that gets every lease; it is at work some seconds sooner than it would be otherwise. */
  readonly leaseOwner?: string | undefined
}

/** Makes the stream, the three tables and a lease per shard; what is there already stays as it is. */
export async function seed(options: SeedOptions): Promise<void> {
  const { kinesisEndpoint, dynamoDBEndpoint, region } = options
  if (!isLoopback(kinesisEndpoint) || !isLoopback(dynamoDBEndpoint)) {
    throw new UsageError('Lease tables are only ever seeded on this machine; these endpoints are elsewhere.')
  }
  const kinesis = awsClient({ service: 'kinesis', endpoint: kinesisEndpoint, region, environment: {} })
  const dynamoDB = awsClient({ service: 'dynamodb', endpoint: dynamoDBEndpoint, region, environment: {} })
  await createStream(kinesis, options)
  await Promise.all(
    tables(options.applicationName).map((table) => unlessThere(dynamoDB('CreateTable', table))),
  )
  for (const shard of await openShards(kinesis, options.streamName)) {
    const item = lease(shard, options.leaseOwner)
    await unlessThere(
      dynamoDB('PutItem', {
        TableName: options.applicationName,
        Item: item,
        ConditionExpression: 'attribute_not_exists(leaseKey)',
      }),
    )
  }
}

interface Shard {
  readonly ShardId: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string | null }
}

async function createStream(kinesis: AwsCall, { streamName, shards }: SeedOptions): Promise<void> {
  await unlessThere(kinesis('CreateStream', { StreamName: streamName, ShardCount: shards }))
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const answer = (await kinesis('DescribeStreamSummary', { StreamName: streamName })) as {
      StreamDescriptionSummary?: { StreamStatus?: string }
    }
    if (answer.StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return
    await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN))
  }
  throw new UsageError(`The stream ${streamName} was made, but does not become active.`)
}

async function openShards(kinesis: AwsCall, streamName: string): Promise<Shard[]> {
  const { Shards = [] } = (await kinesis('ListShards', { StreamName: streamName })) as { Shards?: Shard[] }
  return Shards.filter((shard) => !shard.SequenceNumberRange.EndingSequenceNumber)
}

// The item that the daemon itself would write for a shard nobody has read yet.
function lease(shard: Shard, leaseOwner: string | undefined): Record<string, object> {
  return {
    leaseKey: { S: shard.ShardId },
    leaseCounter: { N: '0' },
    ownerSwitchesSinceCheckpoint: { N: '0' },
    checkpoint: { S: 'TRIM_HORIZON' },
    checkpointSubSequenceNumber: { N: '0' },
    startingHashKey: { S: shard.HashKeyRange.StartingHashKey },
    endingHashKey: { S: shard.HashKeyRange.EndingHashKey },
    ...(leaseOwner === undefined ? {} : { leaseOwner: { S: leaseOwner } }),
  }
}

function tables(applicationName: string): object[] {
  const text = (name: string): object => ({ AttributeName: name, AttributeType: 'S' })
  const key = (name: string, type = 'HASH'): object => ({ AttributeName: name, KeyType: type })
  const BillingMode = 'PAY_PER_REQUEST'
  return [
    {
      TableName: applicationName,
      BillingMode,
      AttributeDefinitions: [text('leaseKey'), text('leaseOwner')],
      KeySchema: [key('leaseKey')],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'LeaseOwnerToLeaseKeyIndex',
          KeySchema: [key('leaseOwner'), key('leaseKey', 'RANGE')],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    },
    {
      TableName: `${applicationName}-CoordinatorState`,
      BillingMode,
      AttributeDefinitions: [text('key')],
      KeySchema: [key('key')],
    },
    {
      TableName: `${applicationName}-WorkerMetricStats`,
      BillingMode,
      AttributeDefinitions: [text('wid')],
      KeySchema: [key('wid')],
    },
  ]
}

async function unlessThere(request: Promise<unknown>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (error instanceof AwsError && /ResourceInUse|ConditionalCheckFailed/.test(error.exception)) return
    throw error
  }
}

const MOST_TRIES = 200
const TRY_AGAIN = 50
