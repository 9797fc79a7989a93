// Which shards of a stream are read, and from where. Rule: those that are asked for and what became of them; a shard
// that is known to an earlier run, or to a table of checkpoints, is begun there, and its descendants at their start.

import { UsageError } from '../../errors.ts'
import { TRIM_HORIZON } from '../conversation/checkpointer.ts'
import type { LeasePosition } from '../conversation/messages.ts'
import type { HashRange } from '../stream/hash-range.ts'

/** A shard, as ListShards tells of it. */
export interface ListedShard {
  readonly id: string
  readonly range: HashRange
  readonly parents: readonly string[]
  readonly isOpen: boolean
}

/** Where reading begins. */
export type From =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly time: number }
  | { readonly kind: 'checkpoints'; readonly checkpoints: ReadonlyMap<string, LeasePosition> }

/** What ListShards answered, parents before their children. */
export function listedShards(answer: readonly unknown[]): ListedShard[] {
  return (answer as readonly ShardJson[])
    .map(({ ShardId, HashKeyRange, ParentShardId, AdjacentParentShardId, SequenceNumberRange }) => ({
      id: ShardId,
      range: { start: BigInt(HashKeyRange.StartingHashKey), end: BigInt(HashKeyRange.EndingHashKey) },
      parents: [ParentShardId, AdjacentParentShardId].filter((id) => typeof id === 'string'),
      isOpen: typeof SequenceNumberRange.EndingSequenceNumber !== 'string',
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** These shards of the list and all that became of them. Throws `UsageError` where there is no such shard. */
export function withDescendants(list: readonly ListedShard[], ids: readonly string[]): ListedShard[] {
  const known = new Set(list.map(({ id }) => id))
  const missing = ids.find((id) => !known.has(id))
  if (missing !== undefined) {
    throw new UsageError(
      `The stream has no shard ${missing}; it has ${list.map(({ id }) => id).join(', ') || 'none'}.`,
    )
  }
  const family = new Set(ids)
  for (const { id, parents } of list) if (parents.some((parent) => family.has(parent))) family.add(id)
  return list.filter(({ id }) => family.has(id))
}

/** The shards to begin with, and after which position each is read. `only`: the shards asked for, or null for all. */
export function beginning(
  list: readonly ListedShard[],
  from: From,
  only: readonly string[] | null,
): [ListedShard, LeasePosition][] {
  const asked = only === null ? list : withDescendants(list, only)
  if (from.kind === 'latest') return asked.filter(({ isOpen }) => isOpen).map((shard) => [shard, LATEST])
  if (from.kind !== 'checkpoints') {
    const position = from.kind === 'time' ? AT_TIMESTAMP : TRIM_HORIZON
    return asked.map((shard) => [shard, position])
  }
  const { checkpoints } = from
  const known = list.filter(({ id }) => checkpoints.has(id)).map(({ id }) => id)
  const family = new Set(withDescendants(list, known))
  return asked
    .filter((shard) => family.has(shard))
    .map((shard) => [shard, checkpoints.get(shard.id) ?? TRIM_HORIZON])
}

/** `3` and `shardId-000000000003` are the same shard. */
export function shardIds(text: string): string[] {
  return text.split(',').map((word) => {
    const name = word.trim()
    if (/^\d+$/.test(name)) return `shardId-${name.padStart(12, '0')}`
    if (/^shardId-\d+$/.test(name)) return name
    throw new UsageError(`--shards ${text}: give shards of the stream, as in --shards 0,shardId-000000000003`)
  })
}

interface ShardJson {
  readonly ShardId: string
  readonly ParentShardId?: string | null
  readonly AdjacentParentShardId?: string | null
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string | null }
}

/** Where a lease begins that begins with what comes. */
export const LATEST: LeasePosition = { sequenceNumber: 'LATEST', subSequenceNumber: 0 }
/** Where a lease begins that begins at a time. */
export const AT_TIMESTAMP: LeasePosition = { sequenceNumber: 'AT_TIMESTAMP', subSequenceNumber: 0 }
