// `kcl-session status`: the whole application, as its tables in DynamoDB tell it: who owns which shard, how far each
// is, and what waits for what. It only reads.

import { columns, plural } from '../daemon/watch/report.ts'
import { UsageError } from '../errors.ts'
import { readTables } from '../leases/lease-table.ts'
import { type ApplicationStatus, type ShardStatus, statusOf } from '../leases/status.ts'
import { storedLags } from '../leases/stored-lag.ts'
import { setTimeout } from '../timers.ts'
import { type ApplicationPlace, applicationPlace, withApplicationOptions } from './application-place.ts'
import { newCommand, parseOptions } from './arguments.ts'

interface StatusOptions {
  readonly watch?: boolean
  readonly json?: boolean
  readonly lag?: boolean
}

/** Runs the command. Resolves to the exit code. */
export async function status(args: readonly string[]): Promise<number> {
  const command = withApplicationOptions(
    newCommand(
      'status',
      'Tells who owns which shard of an application, how far each is, and what waits for what.',
    ),
  )
    .usage('[--config FILE] [--PROPERTY=VALUE…] [--lag] [--watch] [--json]')
    .option(
      '--lag',
      "ask Kinesis for the age of the first record that is not stored (one of a shard's 5 reads a second)",
    )
    .option('--watch', 'look again and again, until Ctrl-C')
    .option('--json', 'print one JSON object per look')
  if (!parseOptions(command, args)) return 0
  const options = command.opts<StatusOptions>()
  const place = applicationPlace(command)
  if (options.lag && place.stream === null) {
    throw new UsageError(
      '--lag needs the stream. Give --stream-name=NAME, or --config=FILE with a streamName.',
    )
  }
  return await look(place, options)
}

async function look(place: ApplicationPlace, options: StatusOptions): Promise<number> {
  const { dynamoDB, kinesis, tables, stream, failoverTime } = place
  // A lease is renewed three times in the failover time: from that it shows whether its owner lives.
  const interval = Math.max(SHORTEST_LOOK, failoverTime / 2)
  let before = await readTables(dynamoDB, tables)
  do {
    await new Promise((resolve) => setTimeout(resolve, interval))
    const after = await readTables(dynamoDB, tables)
    const lags =
      options.lag && stream !== null ? await storedLags(kinesis(), stream, after.leases, Date.now) : new Map()
    const found = statusOf(before, after, Date.now() / 1000, lags)
    process.stdout.write(shown(place, found, options))
    before = after
  } while (options.watch)
  return 0
}

function shown(
  place: ApplicationPlace,
  found: ApplicationStatus,
  { json, watch, lag }: StatusOptions,
): string {
  if (json) {
    const { application, stream, tables } = place
    return `${JSON.stringify({ time: new Date().toISOString(), application, stream, table: tables.leases, ...found })}\n`
  }
  const clear = watch && process.stdout.isTTY ? '\x1b[H\x1b[2J' : ''
  return `${clear}${statusLines(place.tables.leases, found, lag === true).join('\n')}\n`
}

/** The status as people read it. */
export function statusLines(table: string, found: ApplicationStatus, withLag: boolean): string[] {
  if (found.shards.length === 0 && found.workers.length === 0) {
    return [`There are no leases in ${table}: the application has not run here, or was reset.`]
  }
  const workers = found.workers.map(
    ({ worker, seenAgo, leader }) => `${worker} (seen ${seenAgo} s ago${leader ? ', leader' : ''})`,
  )
  return [
    ...columns(
      [
        [
          'SHARD',
          'OWNER',
          'ALIVE',
          'CHECKPOINT',
          ...(withLag ? ['NOT STORED SINCE'] : []),
          'KB/s',
          'WAITS FOR',
        ],
        ...found.shards.map((shard) => cells(shard, withLag)),
      ],
      2,
    ),
    `workers: ${workers.join(', ') || 'none'} · ${found.unowned === 0 ? 'every lease has an owner' : `${plural(found.unowned, 'lease')} without an owner`}`,
  ]
}

function cells(shard: ShardStatus, withLag: boolean): string[] {
  const { owner, alive, checkpoint, moving, notStoredSince, kilobytesPerSecond, waitsFor } = shard
  return [
    shard.shard,
    owner ?? '-',
    alive === null ? '-' : alive ? 'yes' : 'NO',
    /^\d+$/.test(checkpoint) ? (moving ? 'moving' : 'unchanged') : checkpoint,
    ...(withLag ? [sinceText(notStoredSince)] : []),
    kilobytesPerSecond === null ? '-' : String(Math.round(kilobytesPerSecond * 100) / 100),
    waitsFor.join(', ') || '-',
  ]
}

function sinceText(seconds: number | null): string {
  return seconds === null ? 'unknown' : seconds === 0 ? 'all stored' : `${seconds.toFixed(1)} s`
}

const SHORTEST_LOOK = 4000
