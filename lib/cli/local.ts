// `kcl-session local`: Kinesis and DynamoDB on this machine, a stream, seeded lease tables, and the properties
// for a consumer on them; until Ctrl-C.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { readConfiguration } from '../launcher/configuration/configuration.ts'
import { kebab } from '../launcher/configuration/settings.ts'
import { firstWorkerIdentifier } from '../launcher/machine/identity.ts'
import { type StopSignals, withSignals } from '../launcher/machine/signals.ts'
import { localProperties, localSettings } from '../local/local-properties.ts'
import { seed } from '../local/seed.ts'
import { type Servers, startServers } from '../local/servers.ts'
import { newCommand, parseOptions, wholeNumber } from './arguments.ts'
import { refuseErrors } from './configuration-options.ts'

interface LocalOptions {
  readonly streamName: string
  readonly applicationName: string
  readonly shards: number
  readonly port: number
  readonly write?: string
}

/** Runs the command. Resolves to the exit code when it is stopped. */
export async function local(args: readonly string[]): Promise<number> {
  const command = newCommand(
    'local',
    'Runs Kinesis and DynamoDB on this machine, with a stream to play with.',
  )
    .option('--stream-name <name>', 'the stream', 'words')
    .option('--application-name <name>', 'the application whose lease tables are made', 'demo')
    .option('--shards <n>', 'how many shards', wholeNumber(1, 100), 2)
    .option('--port <n>', 'the port of Kinesis; DynamoDB gets the next but one', wholeNumber(1, 65_533), 4568)
    .option('--write <file>', 'write the properties to a file instead of standard output')
    .allowExcessArguments(false)
  if (!parseOptions(command, args)) return 0
  await withSignals({}, async (signals) => {
    await serve(command.opts<LocalOptions>(), signals)
    return 0
  })
  // To be stopped is how this command ends.
  return 0
}

async function serve(options: LocalOptions, signals: StopSignals): Promise<void> {
  const region = process.env.AWS_REGION || 'us-east-1'
  refuseWrongNames(options, region)
  if (options.write !== undefined) refuseToOverwrite(options.write)
  const note = (text: string): void => console.error(text)
  const servers = await startServers({
    kinesisPort: options.port,
    dynamoDBPort: options.port + 2,
    region,
    environment: process.env,
    signal: signals.signal,
    note,
  })
  try {
    await seedAndTell(options, servers, region, note)
    await Promise.race([servers.failed, stopOf(signals.signal)])
  } finally {
    await servers.stop()
  }
}

// The checks that `run` will make of these properties.
function refuseWrongNames({ streamName, applicationName }: LocalOptions, region: string): void {
  const endpoint = 'http://localhost:1'
  const places = {
    kinesisEndpoint: endpoint,
    dynamoDBEndpoint: endpoint,
    region,
    streamName,
    applicationName,
  }
  const flags = Object.entries(localSettings(places)).map(([key, value]) => ({
    key,
    value,
    source: 'flag' as const,
    place: `--${kebab(key)}`,
  }))
  const environment = { AWS_REGION: region }
  const workingDirectory = process.cwd()
  refuseErrors(
    readConfiguration({ flags, command: [], environment, workingDirectory, stopTimeout: 0, now: 0 }),
  )
}

// Before anything is started: a stack that nobody knows the way to is of no use.
function refuseToOverwrite(file: string): void {
  const folder = dirname(resolve(file))
  const isFolder = (path: string): boolean =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  if (!isFolder(folder)) {
    throw new UsageError(`--write: ${file} cannot be written: there is no folder ${folder}. Make it first.`)
  }
  if (isFolder(file)) throw new UsageError(`--write: ${file} cannot be written: it is a folder. Name a file.`)
  const text = existsSync(file) ? readFileSync(file, 'latin1') : ''
  if (text === '' || text.startsWith(WRITTEN)) return
  throw new UsageError(
    `--write: ${file} was not written by kcl-session local, and is left as it is. Name another file.`,
  )
}

async function seedAndTell(
  { streamName, applicationName, shards, write }: LocalOptions,
  { kinesisEndpoint, dynamoDBEndpoint }: Servers,
  region: string,
  note: (text: string) => void,
): Promise<void> {
  const leaseOwner = firstWorkerIdentifier()
  const places = { kinesisEndpoint, dynamoDBEndpoint, region, streamName, applicationName }
  await seed({ ...places, shards, leaseOwner: leaseOwner ?? LOCAL_WORKER })
  const text = localProperties({
    ...places,
    workerIdentifier: leaseOwner === undefined ? LOCAL_WORKER : undefined,
  })
  if (write === undefined) process.stdout.write(text)
  else {
    try {
      writeFileSync(write, `${WRITTEN}\n${text}`)
    } catch (cause) {
      throw new UsageError(`--write: ${write} cannot be written: ${String(cause)}`, { cause })
    }
  }
  const config = write ?? 'FILE'
  note(
    `The stream ${streamName} with ${shards} shards is ready${write === undefined ? '; above are the properties for it' : `; its properties are in ${write}`}.`,
  )
  note(`Fill it:     kcl-session put --config=${config} --input events.ndjson --key id`)
  note(`Consume it:  kcl-session run --config=${config} -- node consumer.js`)
  note('Ctrl-C ends it, and everything in it is gone.')
}

function stopOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    // A listener does not keep the process alive, and the servers' pipes are all that else does.
    if (signal.aborted) resolve()
  })
}

const LOCAL_WORKER = 'local'
const WRITTEN = '# Written by kcl-session local: it may be overwritten.'
