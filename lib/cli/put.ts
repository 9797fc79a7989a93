// `kcl-session put`: a file of records into a stream, in their order.

import { type AwsCall, AwsError } from '../aws/client.ts'
import type { Format } from '../daemon/stream/formats/formats.ts'
import { Input } from '../daemon/stream/input.ts'
import { keyRule } from '../daemon/stream/record-line.ts'
import { UsageError } from '../errors.ts'
import { regionOf } from '../launcher/configuration/region.ts'
import type { Setting } from '../launcher/configuration/setting.ts'
import { type StopSignals, withSignals } from '../launcher/machine/signals.ts'
import { lookAtStream } from '../launcher/preflight/stream.ts'
import { type OutgoingRecord, putRecords, refuseUnfit } from '../local/put.ts'
import { systemClock } from '../time.ts'
import { newCommand, parseOptions } from './arguments.ts'
import { collect, settingsFrom } from './configuration-options.ts'
import { readFormat, withFormatOptions } from './format-options.ts'
import { type StreamPlace, streamPlace } from './stream-place.ts'

interface PutOptions extends Format {
  readonly input: string
}

interface Filling {
  readonly input: Input
  readonly place: StreamPlace
  readonly settings: ReadonlyMap<string, Setting>
  readonly signals: StopSignals
}

/** Runs the command. Resolves to the exit code. */
export async function put(args: readonly string[]): Promise<number> {
  const command = newCommand('put', 'Puts a file of records into a stream, in their order.')
  withFormatOptions(command)
    .usage('--input FILE [--key FIELD] [--config FILE] [--stream-name=NAME] [--kinesis-endpoint=URL]')
    .requiredOption('--input <file>', 'newline-delimited JSON, one record a line; - for standard input')
    .option('--config <file>', "the daemon's .properties file: stream, region and endpoint are read from it")
    .option('--set <key=value>', 'a property (repeatable); --key=value does the same', collect)
    .allowUnknownOption()
    .allowExcessArguments()
  if (!parseOptions(command, args)) return 0
  const options = command.opts<PutOptions>()
  const settings = settingsFrom(command)
  const place = streamPlace(settings)
  const format = readFormat(options)
  const keyOf = keyRule(format.key)
  const input = new Input({ file: options.input, keyOf, format, onRecord: () => {} })
  return withSignals({}, (signals) => fill({ input, place, settings, signals }))
}

async function fill({ input, place, settings, signals }: Filling): Promise<number> {
  const { name, stream, kinesis } = place
  // Whoever is asked for more input may wait for ever.
  signals.signal.addEventListener('abort', () => input.stop(), { once: true })
  try {
    // The whole input is checked before the first record is sent.
    if (input.isFile) await input.scan(true)
    else await input.drain(async () => {})
    signals.throwIfStopped()
    refuseUnfit(recordsOf(input, signals), await mostBytes(kinesis, name, settings))
    const stored = await putRecords({
      kinesis,
      stream,
      records: recordsOf(input, signals),
      clock: systemClock,
      onProgress: progress(input.records),
    })
    console.error(`${stored} records are in the stream ${name}.`)
    return 0
  } finally {
    input.close()
  }
}

// A stream that is not there is told with the nearest name; who may not ask goes on without.
async function mostBytes(
  kinesis: AwsCall,
  stream: string,
  settings: ReadonlyMap<string, Setting>,
): Promise<number> {
  const region = regionOf(settings, process.env) ?? ''
  try {
    const { trouble, most } = await lookAtStream(kinesis, stream, region)
    if (trouble !== undefined) throw new UsageError(`${trouble.message} ${trouble.remedy ?? ''}`.trim())
    return most
  } catch (error) {
    if (error instanceof AwsError && /AccessDenied/.test(error.exception)) return MOST_BYTES
    throw error
  }
}

// On a terminal a line that is written over; elsewhere one every ten seconds.
function progress(all: number): (stored: number) => void {
  let told = Date.now()
  return (stored) => {
    if (process.stderr.isTTY)
      process.stderr.write(stored < all ? `\r${stored} of ${all} records` : '\r\x1b[K')
    else if (Date.now() - told >= TELL_EVERY) {
      told = Date.now()
      console.error(`${stored} of ${all} records`)
    }
  }
}

function* recordsOf(input: Input, signals: StopSignals): Generator<OutgoingRecord> {
  for (let ordinal = 0; ordinal < input.records; ordinal++) {
    signals.throwIfStopped()
    yield input.read(ordinal)
  }
}

// The most that Kinesis takes in any stream.
const MOST_BYTES = 10 * 1024 * 1024
const TELL_EVERY = 10_000
