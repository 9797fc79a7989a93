// The KCL's three tables in DynamoDB, read as they are: leases, the workers' heartbeats, and the leader's lock.
// Only the KCL writes them, but for `reset`.

import { type AwsCall, AwsError } from '../aws/client.ts'

/** An item as DynamoDB has it. */
export type Item = Readonly<Record<string, Attribute | undefined>>

export interface Attribute {
  readonly S?: string
  readonly N?: string
  readonly SS?: readonly string[]
}

/** One lease. */
export interface Lease {
  readonly shard: string
  /** Moves with each renewal: while it does, the owner lives. */
  readonly counter: string
  readonly owner: string | null
  /** A sequence number, or TRIM_HORIZON, LATEST, AT_TIMESTAMP, SHARD_END. */
  readonly checkpoint: string
  readonly parents: readonly string[]
  readonly throughput: number | null
  readonly item: Item
}

/** A worker's heartbeat; `seen` in seconds since the epoch. */
export interface WorkerBeat {
  readonly worker: string
  readonly seen: number
}

/** What the tables say at one moment. */
export interface TableState {
  readonly leases: readonly Lease[]
  readonly workers: readonly WorkerBeat[]
  /** The holder of the leader's lock, whether alive or not; `version` moves while it lives. */
  readonly leader: { readonly worker: string; readonly version: string } | null
}

/** How the tables are called. */
export interface TableNames {
  readonly leases: string
  readonly workers: string
  readonly coordinator: string
}

/** Reads all three. A table that is not there is an empty one: an older KCL has only the first. */
export async function readTables(dynamoDB: AwsCall, names: TableNames): Promise<TableState> {
  const [leases, workers, coordinator] = await Promise.all(
    [names.leases, names.workers, names.coordinator].map((name) => scan(dynamoDB, name)),
  )
  const lock = coordinator?.find(({ key }) => key?.S === LEADER)
  return {
    leases: (leases ?? [])
      .filter(({ leaseKey }) => leaseKey?.S !== undefined)
      .map(leaseOf)
      .sort(byShard),
    workers: (workers ?? []).flatMap(({ wid, lut }) =>
      wid?.S === undefined ? [] : [{ worker: wid.S, seen: Number(lut?.N ?? 0) }],
    ),
    leader:
      lock?.ownerName?.S === undefined || lock.isReleased !== undefined
        ? null
        : { worker: lock.ownerName.S, version: lock.recordVersionNumber?.S ?? '' },
  }
}

/** Takes a lease away, if it is still as it was seen; false if it is not. */
export async function deleteLease(dynamoDB: AwsCall, table: string, { item }: Lease): Promise<boolean> {
  return await unlessRefused(
    dynamoDB('DeleteItem', {
      TableName: table,
      Key: { leaseKey: item.leaseKey },
      ConditionExpression: 'leaseCounter = :counter AND checkpoint = :checkpoint',
      ExpressionAttributeValues: { ':counter': item.leaseCounter, ':checkpoint': item.checkpoint },
    }),
  )
}

/** Puts a lease back, where none is; false where there is one. */
export async function restoreLease(dynamoDB: AwsCall, table: string, item: Item): Promise<boolean> {
  return await unlessRefused(
    dynamoDB('PutItem', {
      TableName: table,
      Item: item,
      ConditionExpression: 'attribute_not_exists(leaseKey)',
    }),
  )
}

async function unlessRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (error instanceof AwsError && error.exception === 'ConditionalCheckFailedException') return false
    throw error
  }
}

async function scan(dynamoDB: AwsCall, table: string): Promise<Item[]> {
  const items: Item[] = []
  let from: unknown
  do {
    const request = {
      TableName: table,
      ConsistentRead: true,
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    }
    let answer: Readonly<Record<string, unknown>>
    try {
      answer = await dynamoDB('Scan', request)
    } catch (error) {
      if (error instanceof AwsError && error.exception === 'ResourceNotFoundException') return items
      throw error
    }
    items.push(...(answer.Items as Item[]))
    from = answer.LastEvaluatedKey
  } while (from !== undefined)
  return items
}

function leaseOf(item: Item): Lease {
  return {
    shard: item.leaseKey?.S ?? '',
    counter: item.leaseCounter?.N ?? '',
    owner: item.leaseOwner?.S ?? null,
    checkpoint: item.checkpoint?.S ?? '',
    parents: item.parentShardId?.SS ?? [],
    throughput: item.throughputKBps?.N === undefined ? null : Number(item.throughputKBps.N),
    item,
  }
}

function byShard(one: Lease, other: Lease): number {
  return one.shard < other.shard ? -1 : 1
}

const LEADER = 'Leader'
