// The options of `dev`: what they are called, what they take, and what cannot go together.

import { type Command, Option } from 'commander'
import type { ConsumerProtocol } from '../children/command.ts'
import { FAULT_HELP, type Faults, parseFaults } from '../daemon/faults/faults.ts'
import { shardIds } from '../daemon/kinesis/shard-list.ts'
import type { Format } from '../daemon/stream/formats/formats.ts'
import { UsageError } from '../errors.ts'
import type { Written } from '../launcher/configuration/setting.ts'
import { kebab } from '../launcher/configuration/settings.ts'
import { nearest } from '../nearest.ts'
import { newCommand, protocolName, seconds, timeOf, wholeNumber } from './arguments.ts'
import { formatFlags, readFormat, withFormatOptions } from './format-options.ts'
import { type ObservationOptions, withObservationOptions } from './observation-options.ts'

/** What `dev` is asked to do. */
export interface DevOptions extends ObservationOptions {
  /** What is read, if it is a file. */
  readonly file: FileOptions | null
  /** What is read otherwise. */
  readonly stream: StreamOptions
  readonly batch: number
  readonly protocol?: ConsumerProtocol
  /** One process for all shards. */
  readonly shared: boolean
  readonly state?: string
  /** Milliseconds, or null for none. */
  readonly timeout: number | null
  /** Milliseconds from a signal to the end of consumers that are not done, or null for none. */
  readonly stopTimeout: number | null
  readonly json: boolean
  readonly quiet: boolean
  /** Whether remarks, and faults that never struck, make the run fail. */
  readonly strict: boolean
  readonly faults: Faults
  readonly seed: number
  readonly record?: string
  readonly elideData: boolean
  /** Fields whose values are not recorded. */
  readonly redact: readonly string[]
}

/** A file of records, or standard input. */
export interface FileOptions extends Format {
  readonly input: string
  readonly shards: number | undefined
  readonly follow: boolean
}

/** A stream in Kinesis. */
export interface StreamOptions {
  readonly config: string | undefined
  /** The daemon's settings that say which stream. */
  readonly settings: readonly Written[]
  /** `earliest`, `latest`, a time, or a file of checkpoints. */
  readonly from: string
  /** Milliseconds since the epoch, or null. */
  readonly until: number | null
  /** The shards asked for, or null for all. */
  readonly only: readonly string[] | null
  /** Which part of the shards' limits to use, up to 1. */
  readonly share: number
}

export function devCommand(): Command {
  const command = withObservationOptions(
    newCommand('dev', 'Runs a consumer on a file of records, or on a stream, without Java.'),
  )
    .usage('--input FILE | --stream-name NAME [options] -- COMMAND…')
    .option('--input <file>', 'newline-delimited JSON, one record a line; - for standard input')
  return withFormatOptions(command)
    .option(
      '--shards <n>',
      'how many shards, each with a consumer of its own (default: 1); of a stream: which ones, as in 0,3 (default: all)',
    )
    .option(
      '--stream-name <name>',
      'read this stream in Kinesis, beside its application and without its leases',
    )
    .option('--stream-arn <arn>', 'the same, by its ARN')
    .option('--region-name <region>', "the stream's region (default: AWS_REGION)")
    .option('--kinesis-endpoint <url>', 'where Kinesis is, if it is not in that region')
    .option('--config <file>', "the daemon's .properties file: stream, region and endpoint are read from it")
    .option(
      '--from <where>',
      'earliest, latest (default), a time (2026-01-31T12:00Z, or 1h for an hour ago), or a file of checkpoints',
    )
    .option('--until <time>', 'read no record that arrived after it, and end there: a time, or now')
    .option(
      '--read-share <percent>',
      "how much of each shard's limits to use, which it shares with its application (default: 50)",
      wholeNumber(1, 100),
    )
    .option('--batch <n>', 'records in a batch, at most', wholeNumber(1, 10_000), 100)
    .option('--protocol <name>', 'fds (descriptors 3 and 4) or stdio (default: fds for node)', protocolName)
    .option('--shared', 'serve all shards in one process, which calls eachShard')
    .option('--state <folder>', 'keep checkpoints there, and go on after them the next time')
    .option('--follow', 'wait for lines that are added to the file')
    .addOption(
      new Option(
        '--timeout <time>',
        'how long a consumer may be silent in an action: seconds, or 500ms, 5m; 0: for ever',
      )
        .argParser(seconds)
        .default(300_000, '5m'),
    )
    .addOption(
      new Option(
        '--stop-timeout <time>',
        'how long a stop may take before the consumers are ended; 0: for ever',
      )
        .argParser(seconds)
        .default(25_000, '25s'),
    )
    .option('--json', 'tell what happens on standard output, as JSON')
    .option('--quiet', 'tell only what goes wrong')
    .option('--fault <fault>', 'make something go wrong, see below', collect)
    .option(
      '--seed <n>',
      'throw the dice for faults as the run with this seed did',
      wholeNumber(0, 2 ** 32 - 1),
    )
    .option('--strict', 'fail for remarks too, and for faults that never struck')
    .option(
      '--record <file>',
      'write every conversation to a transcript, for kcl-session replay; or, to FILE.ndjson, the records; --input reads both',
    )
    .option('--elide-data', "leave the records' data out of it")
    .option(
      '--redact <field>',
      'put "redacted" for the values of this field of JSON data (repeatable)',
      (field, fields: string[]) => [...fields, field],
      [],
    )
    .allowExcessArguments(true)
    .addHelpText('after', `\n${FAULT_HELP}\n\n${EXIT_CODES}`)
}

/** The options that were parsed, checked against each other. */
export function devOptions(command: Command): DevOptions {
  const { fault = [], seed, ...given } = command.opts<Parsed>()
  const parsed = { ...FLAGS, ...given }
  if ((parsed.elideData || parsed.redact.length > 0) && parsed.record === undefined) {
    const name = parsed.elideData ? '--elide-data' : '--redact'
    throw new UsageError(`${name} says how to write a transcript: give --record FILE too.`)
  }
  if (parsed.json && parsed.quiet) throw new UsageError('--json and --quiet cannot go together.')
  const faults = parseFaults(fault)
  const stream = streamOptions(parsed)
  const file = isStream(parsed) ? null : fileOptions(parsed)
  if (file === null) checkStream(parsed, faults)
  return { ...parsed, file, stream, faults, seed: seed ?? Math.floor(Math.random() * 2 ** 32) }
}

type Parsed = Omit<DevOptions, 'file' | 'stream' | 'faults' | 'seed'> &
  Format & {
    readonly fault?: string[]
    readonly seed?: number
    readonly input?: string
    readonly shards?: string
    readonly follow: boolean
    readonly streamName?: string
    readonly streamArn?: string
    readonly regionName?: string
    readonly kinesisEndpoint?: string
    readonly config?: string
    readonly from?: string
    readonly until?: string
    readonly readShare?: number
  }

function isStream({ streamName, streamArn, config }: Parsed): boolean {
  return (streamName ?? streamArn ?? config) !== undefined
}

function fileOptions({ input, shards, follow, state, ...others }: Parsed): FileOptions {
  if (input === undefined) {
    throw new UsageError(
      'What is to be read? Give --input FILE, or --stream-name NAME for a stream in Kinesis.',
    )
  }
  const stray = STREAM_ONLY.find((name) => others[name] !== undefined)
  if (stray !== undefined) {
    throw new UsageError(`--${kebab(stray)} is for a stream: give --stream-name too, or leave it out.`)
  }
  if (input === '-' && state !== undefined) {
    throw new UsageError('--state needs a file: standard input cannot be read again from a checkpoint.')
  }
  if (input === '-' && follow) {
    throw new UsageError('--follow is for files: standard input is read to its end anyway.')
  }
  const count = shards === undefined ? undefined : Number(shards)
  if (count !== undefined && !(/^\d+$/.test(shards ?? '') && count >= 1 && count <= 1000)) {
    throw new UsageError(`--shards ${shards}: Give a whole number from 1 to 1000.`)
  }
  return { ...readFormat(others), input, shards: count, follow }
}

function streamOptions(parsed: Parsed): StreamOptions {
  const { config, from = 'latest', until, shards, readShare = 50 } = parsed
  const end = until === undefined ? null : until === 'now' ? Date.now() : timeOf(until)
  if (until !== undefined && end === null) {
    throw new UsageError(`--until ${until}: give now, or a time such as 2026-01-31T12:00Z or 1h (ago).`)
  }
  return {
    config,
    settings: SETTINGS.flatMap((key) => {
      const value = parsed[key]
      return value === undefined ? [] : [{ key, value, source: 'flag' as const, place: `--${kebab(key)}` }]
    }),
    from,
    until: end,
    only: shards === undefined || !isStream(parsed) ? null : shardIds(shards),
    share: readShare / 100,
  }
}

function checkStream({ input, follow, ...others }: Parsed, faults: Faults): void {
  if (input !== undefined) {
    throw new UsageError('--input and a stream cannot go together: records come from one of them.')
  }
  const stray = formatFlags(others)[0]?.split(' ')[0] ?? (follow ? '--follow' : undefined)
  if (stray !== undefined) {
    throw new UsageError(`${stray} is for files: the records of a stream have keys, and more are waited for.`)
  }
  const reshard = faults.faults.find(({ name }) => name === 'split' || name === 'merge')?.text
  const unfit = reshard ?? (faults.aggregate > 1 ? 'aggregate' : faults.oddKeys ? 'odd-keys' : undefined)
  if (unfit !== undefined) {
    throw new UsageError(`--fault ${unfit} is for files: shards and records of a stream are as they are.`)
  }
}

function collect(text: string, texts: readonly string[] = []): string[] {
  parseFaults([text], nearest)
  return [...texts, text]
}

const SETTINGS = ['streamName', 'streamArn', 'regionName', 'kinesisEndpoint'] as const
const STREAM_ONLY = ['from', 'until', 'readShare', 'regionName', 'kinesisEndpoint'] as const
// As parser's defaults they would stand in the help.
const FLAGS = { follow: false, shared: false, json: false, quiet: false, strict: false, elideData: false }
const EXIT_CODES = `Exit codes: 0 all records acknowledged and checkpointed; 1 not so, or a consumer did something that loses,
skips or hangs under the real daemon; 2 wrong usage or input; 130 after Ctrl-C, 143 after SIGTERM. What the
real daemon takes no notice of (text on standard output, an exit code at the end) is a remark.`
