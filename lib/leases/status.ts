// What two looks at the tables, some seconds apart, say: who owns which shard and lives, how far each is, and what
// waits for what. Pure.

import type { Lease, TableState } from './lease-table.ts'

/** One shard of the application. */
export interface ShardStatus {
  readonly shard: string
  readonly owner: string | null
  /** Whether the owner renewed a lease between the looks; null without an owner. */
  readonly alive: boolean | null
  /** How far: a sequence number, a word of the KCL for a beginning, or `ended`. */
  readonly checkpoint: string
  /** Whether the checkpoint moved between the looks. */
  readonly moving: boolean
  /** Age in seconds of the first record that is not stored; 0: all is; null: not asked for, or not known. */
  readonly notStoredSince: number | null
  readonly kilobytesPerSecond: number | null
  /** Parents that have not ended: this shard waits for them. */
  readonly waitsFor: readonly string[]
}

/** The whole application. */
export interface ApplicationStatus {
  readonly shards: readonly ShardStatus[]
  readonly workers: readonly { readonly worker: string; readonly seenAgo: number; readonly leader: boolean }[]
  /** Leases that nobody has, and somebody should. */
  readonly unowned: number
}

/** Compares two looks; `now` in seconds since the epoch, `lags` by shard. */
export function statusOf(
  before: TableState,
  after: TableState,
  now: number,
  lags: ReadonlyMap<string, number | null>,
): ApplicationStatus {
  const earlier = new Map(before.leases.map((lease) => [lease.shard, lease]))
  const ended = new Set(
    after.leases.filter(({ checkpoint }) => checkpoint === SHARD_END).map(({ shard }) => shard),
  )
  const known = new Set(after.leases.map(({ shard }) => shard))
  const alive = new Set(
    after.leases.flatMap(({ shard, owner, counter }) =>
      owner !== null && earlier.has(shard) && earlier.get(shard)?.counter !== counter ? [owner] : [],
    ),
  )
  const shards = after.leases.map((lease) => ({
    shard: lease.shard,
    owner: lease.owner,
    alive: lease.owner === null ? null : alive.has(lease.owner),
    checkpoint: ended.has(lease.shard) ? 'ended' : lease.checkpoint,
    moving: earlier.has(lease.shard) && earlier.get(lease.shard)?.checkpoint !== lease.checkpoint,
    notStoredSince: ended.has(lease.shard) ? 0 : (lags.get(lease.shard) ?? null),
    kilobytesPerSecond: lease.throughput,
    // A parent without a lease was cleaned up after its end.
    waitsFor: ended.has(lease.shard)
      ? []
      : lease.parents.filter((parent) => known.has(parent) && !ended.has(parent)),
  }))
  return {
    shards,
    workers: after.workers.map(({ worker, seen }) => ({
      worker,
      seenAgo: Math.max(0, Math.round(now - seen)),
      leader: after.leader?.worker === worker,
    })),
    unowned: shards.filter(({ owner, checkpoint, waitsFor }) => isWaiting(owner, checkpoint, waitsFor))
      .length,
  }
}

/** Why somebody may be at work on these tables, in sentences; empty where nobody is. */
export function signsOfLife(before: TableState, after: TableState, now: number): string[] {
  const moved = after.leases.filter((lease) => hasMoved(lease, before))
  const owners = [...new Set(moved.map(({ owner }) => owner ?? 'nobody'))]
  const beating = after.workers.filter(({ seen }) => now - seen < FRESH)
  const leading =
    after.leader !== null && before.leader !== null && after.leader.version !== before.leader.version
  return [
    ...(moved.length === 0
      ? []
      : [
          `${moved.length} of ${after.leases.length} leases moved while we looked, those of ${owners.join(', ')}.`,
        ]),
    ...beating.map(
      ({ worker, seen }) =>
        `Worker ${worker} was there ${Math.max(0, Math.round(now - seen))} s ago; after its stop a minute must pass.`,
    ),
    ...(leading ? [`Worker ${after.leader?.worker} renews the leader's lock.`] : []),
  ]
}

function hasMoved(lease: Lease, before: TableState): boolean {
  const earlier = before.leases.find(({ shard }) => shard === lease.shard)
  return earlier === undefined || earlier.counter !== lease.counter || earlier.checkpoint !== lease.checkpoint
}

function isWaiting(owner: string | null, checkpoint: string, waitsFor: readonly string[]): boolean {
  return owner === null && checkpoint !== 'ended' && waitsFor.length === 0
}

const SHARD_END = 'SHARD_END'
// Workers write their heartbeat every 30 s.
const FRESH = 60
