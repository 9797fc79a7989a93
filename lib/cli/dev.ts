// `kcl-session dev`: a consumer on a file of records, with the embedded daemon.
// Rule: everything that can be checked is checked before the first consumer starts.

import { type ConsumerProtocol, checkCommand, protocolFor } from '../children/command.ts'
import { Daemon } from '../daemon/daemon.ts'
import { Input } from '../daemon/input.ts'
import { keyRule } from '../daemon/record-line.ts'
import { Stream } from '../daemon/stream.ts'
import { UsageError } from '../errors.ts'
import { newCommand, parseOptions, protocolName, splitArguments, wholeNumber } from './arguments.ts'
import { DevReporter } from './dev-reporter.ts'

interface DevOptions {
  readonly input: string
  readonly key?: string
  readonly shards: number
  readonly batch: number
  readonly protocol?: ConsumerProtocol
}

/** Runs the command. Resolves to the exit code: 0 only when everything was acknowledged and checkpointed. */
export async function dev(args: readonly string[]): Promise<number> {
  const { options, words } = splitArguments(args)
  const command = devCommand()
  if (!parseOptions(command, options)) return 0
  const [stray] = command.args
  if (stray !== undefined) {
    const end =
      words === null ? 'The consumer is missing: put "--" in front of its command' : 'Options come first'
    throw new UsageError(`"${stray}" is not an option. ${end}, as in: dev --input FILE -- node consumer.js`)
  }
  if (words === null || words.length === 0) {
    throw new UsageError(
      'The consumer is missing: end the line with its command, for instance -- node consumer.js',
    )
  }
  return run(command.opts<DevOptions>(), words)
}

function devCommand(): ReturnType<typeof newCommand> {
  return newCommand('dev', 'Runs a consumer on a file of records, without AWS and without Java.')
    .usage('--input FILE [options] -- COMMAND…')
    .requiredOption('--input <file>', 'newline-delimited JSON, one record a line; - for standard input')
    .option('--key <field>', 'the field with the partition key (default: the MD5 of the line)')
    .option('--shards <n>', 'how many shards, each with a consumer of its own', wholeNumber(1000), 1)
    .option('--batch <n>', 'records in a batch, at most', wholeNumber(10_000), 100)
    .option(
      '--protocol <name>',
      'fds (descriptors 3 and 4) or stdio (default: fds if the command is node)',
      protocolName,
    )
    .allowExcessArguments(true)
}

async function run(options: DevOptions, words: readonly string[]): Promise<number> {
  const protocol = protocolFor(words, options.protocol)
  checkCommand(words)
  const stream = new Stream(options.shards, Date.now())
  const input = new Input({
    file: options.input,
    keyOf: keyRule(options.key),
    onRecord: (ordinal, key) => stream.put(ordinal, key),
  })
  try {
    if (input.isFile) await input.scan(true)
    const reporter = new DevReporter(process.stderr, options.shards)
    const daemon = new Daemon({
      stream,
      reader: input,
      words,
      protocol,
      batch: options.batch,
      timeout: ANSWER_TIME,
      atEnd: 'end-shard',
      observer: reporter,
    })
    if (input.isFile) daemon.endInput()
    else void readOn(input, daemon)
    try {
      await daemon.run()
    } finally {
      reporter.summary(daemon)
    }
    return daemon.succeeded ? 0 : 1
  } finally {
    input.close()
  }
}

async function readOn(input: Input, daemon: Daemon): Promise<void> {
  try {
    await input.drain(async () => {
      daemon.moreInput()
      while (daemon.waiting > READ_AHEAD) await daemon.changed()
    })
    daemon.endInput()
  } catch (error) {
    daemon.failInput(error)
  }
}

// How many records may be read ahead of their delivery.
const READ_AHEAD = 50_000
// How long a consumer may be silent, in milliseconds.
const ANSWER_TIME = 300_000
