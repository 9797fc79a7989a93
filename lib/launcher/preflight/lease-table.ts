// Whether a lease table belongs to a stream. It does not say so itself: the daemon names neither stream nor account
// in a lease, and would clean up what it does not know. But a lease holds a shard's name, its range of hash keys and
// a position in it, and those of another stream do not fit. Pure.

/** A lease, as far as it is looked at. */
export interface Lease {
  readonly shardId: string
  readonly checkpoint: string
  readonly startingHashKey?: string | undefined
  readonly endingHashKey?: string | undefined
}

/** A shard of the stream. */
export interface Shard {
  readonly shardId: string
  readonly startingHashKey: string
  readonly endingHashKey: string
  readonly first: string
}

/** What shows that the leases are not this stream's, as the end of a sentence; undefined where nothing does. */
export function strangeness(leases: readonly Lease[], shards: readonly Shard[]): string | undefined {
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]))
  const known = leases.filter(({ shardId }) => byId.has(shardId))
  // Leases of shards that have expired since are the daemon's to clean up, as long as there are others.
  const unfinished = leases.find(({ checkpoint }) => checkpoint !== 'SHARD_END')
  if (known.length === 0 && unfinished !== undefined) {
    return `it holds a lease of ${unfinished.shardId}, which the stream does not have`
  }
  for (const lease of known) {
    const shard = byId.get(lease.shardId)
    if (shard === undefined) continue
    if (!sameRange(lease, shard)) {
      return `its lease of ${lease.shardId} covers another range of hash keys than that shard of the stream`
    }
    if (!lies(lease.checkpoint, shard)) {
      return `its lease of ${lease.shardId} is at ${lease.checkpoint}, which does not lie in that shard of the stream`
    }
  }
  return undefined
}

/** The leases whose position Kinesis itself can be asked about, a few of them. */
export function telling(leases: readonly Lease[], shards: readonly Shard[]): Lease[] {
  const ids = new Set(shards.map(({ shardId }) => shardId))
  return leases.filter(({ shardId, checkpoint }) => ids.has(shardId) && isPosition(checkpoint)).slice(0, 3)
}

function sameRange(lease: Lease, shard: Shard): boolean {
  if (lease.startingHashKey === undefined || lease.endingHashKey === undefined) return true
  return lease.startingHashKey === shard.startingHashKey && lease.endingHashKey === shard.endingHashKey
}

// Where a closed shard ends is no measure: kinesis-local names an end below its last records.
function lies(checkpoint: string, { first }: Shard): boolean {
  if (!isPosition(checkpoint) || !isPosition(first)) return true
  return BigInt(checkpoint) >= BigInt(first)
}

function isPosition(text: string): boolean {
  return /^\d+$/.test(text)
}
