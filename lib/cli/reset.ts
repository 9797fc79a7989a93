// `kcl-session reset`: begins an application anew at another place of its stream. A plan unless --execute is given;
// refused while anything lives.

import { plural } from '../daemon/watch/report.ts'
import { UsageError } from '../errors.ts'
import { kebab } from '../launcher/configuration/settings.ts'
import {
  deleteLeases,
  type ResetPlace,
  readKeptLeases,
  restingLeases,
  restoreLeases,
} from '../leases/reset.ts'
import { toMilliseconds } from '../time.ts'
import { setTimeout } from '../timers.ts'
import { applicationPlace, withApplicationOptions } from './application-place.ts'
import { newCommand, parseOptions } from './arguments.ts'

interface ResetOptions {
  readonly to?: string
  readonly back?: string
  readonly restore?: string
  readonly execute?: boolean
  readonly config?: string
}

/** Runs the command. Resolves to the exit code. */
export async function reset(args: readonly string[]): Promise<number> {
  const command = withApplicationOptions(
    newCommand(
      'reset',
      'Begins an application anew at another place of its stream. Tells what it would do, unless --execute is given.',
    ),
  )
    .usage('--to TIME|earliest|latest | --back TIME | --restore FILE [--execute] [--config FILE]')
    .option('--to <place>', 'where to begin: 2026-01-31T12:00:00Z, earliest or latest')
    .option('--back <time>', 'so far back from now: 2h, 30m or PT2H')
    .option('--restore <file>', 'put the leases of a copy back where there are none')
    .option('--execute', 'do it')
  if (!parseOptions(command, args)) return 0
  const options = command.opts<ResetOptions>()
  const start = startOf(options, Date.now())
  const { application, dynamoDB, tables, failoverTime } = applicationPlace(command)
  const place: ResetPlace = {
    dynamoDB,
    tables,
    failoverTime,
    now: Date.now,
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    note: (text) => process.stderr.write(`${text}\n`),
  }
  await (start === null ? restore(options, place) : restart(options, start, application, place))
  return 0
}

async function restart(
  options: ResetOptions,
  start: Start,
  application: string,
  place: ResetPlace,
): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  const leases = await restingLeases(place)
  const table = place.tables.leases
  const next = `kcl-session run${options.config === undefined ? '' : ` --config=${options.config}`} --${kebab(start.key)}=${start.value} -- …`
  if (leases.length === 0) {
    say(`There are no leases in ${table}. The next start begins at ${start.words} with: ${next}`)
    return
  }
  const shards = leases.map(({ shard, checkpoint }) => `  ${shard}  ${checkpoint}`)
  if (!options.execute) {
    say(
      `Would keep a copy of ${plural(leases.length, 'lease')} of ${application} and delete them from ${table}:`,
    )
    say(shards.join('\n'))
    say(`The next start would then begin at ${start.words}. Nothing was changed; --execute does it.`)
    return
  }
  const file = `leases-${table}-${new Date(place.now()).toISOString().replace(/[:.]/g, '-')}.json`
  await deleteLeases(leases, file, place)
  say(`Deleted ${plural(leases.length, 'lease')} of ${application} from ${table}; a copy is in ${file}.`)
  say(`Start at ${start.words} with: ${next}`)
}

async function restore({ restore: file = '', execute }: ResetOptions, place: ResetPlace): Promise<void> {
  const items = readKeptLeases(file, place.tables.leases)
  const present = new Set((await restingLeases(place)).map(({ shard }) => shard))
  const missing = items.filter(({ leaseKey }) => !present.has(leaseKey?.S ?? ''))
  const what = `${plural(missing.length, 'lease')} of ${items.length} in ${file}`
  if (!execute) {
    process.stdout.write(
      `Would put back ${what}; the others are there. Nothing was changed; --execute does it.\n`,
    )
    return
  }
  const restored = await restoreLeases(missing, place)
  process.stdout.write(`Put back ${plural(restored, 'lease')}: ${what} were not there.\n`)
}

interface Start {
  readonly key: 'initialPositionInStream' | 'initialPositionInStreamExtended'
  readonly value: string
  readonly words: string
}

// Null: leases are to be restored.
function startOf({ to, back, restore: file }: ResetOptions, now: number): Start | null {
  if ([to, back, file].filter((each) => each !== undefined).length !== 1) {
    throw new UsageError(
      'Where should the application begin? Give one of --to=TIME|earliest|latest, --back=TIME and --restore=FILE.',
    )
  }
  if (file !== undefined) return null
  if (to === 'earliest' || to === 'latest') {
    const value = to === 'earliest' ? 'TRIM_HORIZON' : 'LATEST'
    const words = to === 'earliest' ? 'the oldest record there is' : 'the records that come from then on'
    return { key: 'initialPositionInStream', value, words }
  }
  const time = to === undefined ? now - timeBack(back ?? '') : timeOf(to)
  if (time > now) throw new UsageError(`--to=${to} has not come yet; the stream holds nothing from then.`)
  const seconds = Math.floor(time / 1000)
  return {
    key: 'initialPositionInStreamExtended',
    value: String(seconds),
    words: new Date(seconds * 1000).toISOString().replace('.000', ''),
  }
}

// A time without a zone would mean another one on every machine.
function timeOf(text: string): number {
  const time = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) {
    throw new UsageError(
      `--to=${text}: give earliest, latest, or a time with its zone, such as 2026-01-31T12:00:00Z.`,
    )
  }
  return time
}

function timeBack(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  const iso = amount === undefined ? text : `P${unit === 'd' ? '' : 'T'}${amount}${unit?.toUpperCase()}`
  return toMilliseconds(iso, '--back')
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/
