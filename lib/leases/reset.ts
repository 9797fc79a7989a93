// Takes an application's leases away, so that its next start begins elsewhere: they are deleted, not rewritten,
// because a time before a reshard needs the parents' leases again, and only the KCL's own shard sync makes those.
// Rule: nothing is touched while anything lives, every row is kept in a file first, and each goes only if it is
// still as it was seen.

import { readFileSync, writeFileSync } from 'node:fs'
import type { AwsCall } from '../aws/client.ts'
import { UsageError } from '../errors.ts'
import {
  deleteLease,
  type Item,
  type Lease,
  readTables,
  restoreLease,
  type TableNames,
  type TableState,
} from './lease-table.ts'
import { signsOfLife } from './status.ts'

/** Where, and how careful to be. Times are milliseconds. */
export interface ResetPlace {
  readonly dynamoDB: AwsCall
  readonly tables: TableNames
  /** The application's failoverTimeMillis: leases are renewed three times in it. */
  readonly failoverTime: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly pause: (milliseconds: number) => Promise<unknown>
  readonly note: (text: string) => void
}

/** Looks at the tables for long enough to see whether anything lives; throws UsageError where it does. */
export async function restingLeases(place: ResetPlace): Promise<readonly Lease[]> {
  const before = await readTables(place.dynamoDB, place.tables)
  refuseIfAlive(before, before, place)
  const patience = Math.max(2 * place.failoverTime, SHORTEST_LOOK, before.leader === null ? 0 : LEADER_LOOK)
  place.note(`Looking for ${Math.ceil(patience / 1000)} s whether a worker is there.`)
  await place.pause(patience)
  const after = await readTables(place.dynamoDB, place.tables)
  refuseIfAlive(before, after, place)
  return after.leases
}

/** Keeps the leases in a new file, then deletes them. Throws UsageError where one has changed meanwhile. */
export async function deleteLeases(leases: readonly Lease[], file: string, place: ResetPlace): Promise<void> {
  const kept: KeptLeases = {
    table: place.tables.leases,
    takenAt: new Date(place.now()).toISOString(),
    items: leases.map(({ item }) => item),
  }
  try {
    writeFileSync(file, `${JSON.stringify(kept, null, 1)}\n`, { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    throw new UsageError(`The copy cannot be written to ${file}, so nothing was deleted: ${String(cause)}.`, {
      cause,
    })
  }
  for (const [at, lease] of leases.entries()) {
    if (await deleteLease(place.dynamoDB, place.tables.leases, lease)) continue
    throw new UsageError(
      `The lease of ${lease.shard} has changed: a worker has been started. ${at} of ${leases.length} leases are deleted; stop the workers, and "kcl-session reset --restore ${file} --execute" puts them back.`,
    )
  }
}

/** Puts the leases of a file back where none are; answers how many. */
export async function restoreLeases(items: readonly Item[], place: ResetPlace): Promise<number> {
  let restored = 0
  for (const item of items) if (await restoreLease(place.dynamoDB, place.tables.leases, item)) restored += 1
  return restored
}

/** The leases in a file that `deleteLeases` wrote. Throws UsageError for any other file, and for another table's. */
export function readKeptLeases(file: string, table: string): readonly Item[] {
  let kept: Partial<KeptLeases>
  try {
    kept = JSON.parse(readFileSync(file, 'utf8')) as Partial<KeptLeases>
  } catch (cause) {
    throw new UsageError(`--restore: ${file} cannot be read: ${String(cause)}.`, { cause })
  }
  if (!Array.isArray(kept?.items) || kept.items.some((item) => typeof item?.leaseKey?.S !== 'string')) {
    throw new UsageError(`--restore: ${file} is not a copy that "kcl-session reset" has made.`)
  }
  if (kept.table !== table) {
    throw new UsageError(`--restore: ${file} holds the leases of the table ${kept.table}, not of ${table}.`)
  }
  return kept.items
}

interface KeptLeases {
  readonly table: string
  readonly takenAt: string
  readonly items: readonly Item[]
}

function refuseIfAlive(before: TableState, after: TableState, { now, tables }: ResetPlace): void {
  const signs = signsOfLife(before, after, now() / 1000)
  if (signs.length === 0) return
  throw new UsageError(
    `A worker is at work on ${tables.leases}, and would stop for good without its leases. ${signs.join(' ')} Stop all workers of the application first.`,
  )
}

const SHORTEST_LOOK = 10_000
// The lock is renewed every 30 s.
const LEADER_LOOK = 40_000
