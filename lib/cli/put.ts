// `kcl-session put`: a file of records into a stream, in their order.

import type { AwsCall } from '../aws/client.ts'
import { Input } from '../daemon/stream/input.ts'
import { keyRule } from '../daemon/stream/record-line.ts'
import { UsageError } from '../errors.ts'
import { clientFor } from '../launcher/configuration/clients.ts'
import { readConfiguration } from '../launcher/configuration/configuration.ts'
import { settingFlags } from '../launcher/configuration/flags.ts'
import { type StopSignals, withSignals } from '../launcher/machine/signals.ts'
import { type OutgoingRecord, putRecords } from '../local/put.ts'
import { systemClock } from '../time.ts'
import { newCommand, parseOptions } from './arguments.ts'
import { collect } from './configuration-options.ts'

interface PutOptions {
  readonly input: string
  readonly key?: string
  readonly config?: string
  readonly set?: readonly string[]
}

interface Filling {
  readonly input: Input
  readonly stream: string
  readonly kinesis: AwsCall
  readonly signals: StopSignals
}

/** Runs the command. Resolves to the exit code. */
export async function put(args: readonly string[]): Promise<number> {
  const command = newCommand('put', 'Puts a file of records into a stream, in their order.')
    .usage('--input FILE [--key FIELD] [--config FILE] [--stream-name=NAME] [--kinesis-endpoint=URL]')
    .requiredOption('--input <file>', 'newline-delimited JSON, one record a line; - for standard input')
    .option('--key <field>', 'the field with the partition key (default: the MD5 of the line)')
    .option('--config <file>', "the daemon's .properties file: stream, region and endpoint are read from it")
    .option('--set <key=value>', 'a property (repeatable); --key=value does the same', collect)
    .allowUnknownOption()
    .allowExcessArguments()
  if (!parseOptions(command, args)) return 0
  const options = command.opts<PutOptions>()
  const { stream, kinesis } = target(
    options,
    command.args,
    command.options.map(({ long }) => long?.slice(2) ?? ''),
  )
  const input = new Input({ file: options.input, keyOf: keyRule(options.key), onRecord: () => {} })
  return withSignals({}, (signals) => fill({ input, stream, kinesis, signals }))
}

async function fill({ input, stream, kinesis, signals }: Filling): Promise<number> {
  // Whoever is asked for more input may wait for ever.
  signals.signal.addEventListener('abort', () => input.stop(), { once: true })
  try {
    // The whole input is checked before the first record is sent.
    if (input.isFile) await input.scan(true)
    else await input.drain(async () => {})
    signals.throwIfStopped()
    const stored = await putRecords({
      kinesis,
      stream,
      records: recordsOf(input, signals),
      clock: systemClock,
    })
    console.error(`${stored} records are in the stream ${stream}.`)
    return 0
  } finally {
    input.close()
  }
}

function* recordsOf(input: Input, signals: StopSignals): Generator<OutgoingRecord> {
  for (let ordinal = 0; ordinal < input.records; ordinal++) {
    signals.throwIfStopped()
    yield input.read(ordinal)
  }
}

function target(options: PutOptions, words: readonly string[], own: readonly string[]) {
  const { settings } = readConfiguration({
    file: options.config,
    flags: settingFlags(words, options.set ?? [], own),
    command: [],
    environment: process.env,
    workingDirectory: process.cwd(),
    stopTimeout: 0,
    now: Date.now(),
  })
  const value = (key: string): string | undefined => settings.get(key)?.value.trim()
  const stream = value('streamArn') ?? value('streamName')
  if (stream === undefined) {
    throw new UsageError(
      'Which stream? Give --stream-name=NAME, KCL_STREAM_NAME, or --config=FILE with a streamName.',
    )
  }
  const kinesis = clientFor('kinesis', settings, process.env)
  if (kinesis === undefined)
    throw new UsageError('Which region? Give --region-name=REGION, AWS_REGION, or a regionName in the file.')
  return { stream, kinesis }
}
