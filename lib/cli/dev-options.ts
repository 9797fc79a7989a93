// The options of `dev`: what they are called, what they take, and what cannot go together.

import { type Command, Option } from 'commander'
import type { ConsumerProtocol } from '../children/command.ts'
import { FAULT_HELP, type Faults, parseFaults } from '../daemon/faults/faults.ts'
import { UsageError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { newCommand, protocolName, seconds, wholeNumber } from './arguments.ts'

/** What `dev` is asked to do. */
export interface DevOptions {
  readonly input: string
  readonly key?: string
  readonly shards?: number
  readonly batch: number
  readonly protocol?: ConsumerProtocol
  readonly state?: string
  readonly follow: boolean
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
}

export function devCommand(): Command {
  return newCommand('dev', 'Runs a consumer on a file of records, without AWS and without Java.')
    .usage('--input FILE [options] -- COMMAND…')
    .requiredOption('--input <file>', 'newline-delimited JSON, one record a line; - for standard input')
    .option('--key <field>', 'the field with the partition key (default: the MD5 of the line)')
    .option(
      '--shards <n>',
      'how many shards, each with a consumer of its own (default: 1)',
      wholeNumber(1, 1000),
    )
    .option('--batch <n>', 'records in a batch, at most', wholeNumber(1, 10_000), 100)
    .option('--protocol <name>', 'fds (descriptors 3 and 4) or stdio (default: fds for node)', protocolName)
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
    .option('--record <file>', 'write every conversation to a transcript, for kcl-session replay')
    .option('--elide-data', "leave the records' data out of the transcript")
    .allowExcessArguments(true)
    .addHelpText('after', `\n${FAULT_HELP}\n\n${EXIT_CODES}`)
}

/** The options that were parsed, checked against each other. */
export function devOptions(command: Command): DevOptions {
  const parsed = command.opts<Omit<DevOptions, 'faults' | 'seed'> & { fault?: string[]; seed?: number }>()
  const { fault = [], seed, ...given } = parsed
  const options = { ...FLAGS, ...given }
  if (options.input === '-' && options.state !== undefined) {
    throw new UsageError('--state needs a file: standard input cannot be read again from a checkpoint.')
  }
  if (options.input === '-' && options.follow) {
    throw new UsageError('--follow is for files: standard input is read to its end anyway.')
  }
  if (options.elideData && options.record === undefined) {
    throw new UsageError('--elide-data says how to write a transcript: give --record FILE too.')
  }
  if (options.json && options.quiet) throw new UsageError('--json and --quiet cannot go together.')
  return { ...options, faults: parseFaults(fault), seed: seed ?? Math.floor(Math.random() * 2 ** 32) }
}

function collect(text: string, texts: readonly string[] = []): string[] {
  parseFaults([text], nearest)
  return [...texts, text]
}

// As parser's defaults they would stand in the help.
const FLAGS = { follow: false, json: false, quiet: false, strict: false, elideData: false }
const EXIT_CODES = `Exit codes: 0 all records acknowledged and checkpointed; 1 not so, or a consumer did something that loses,
skips or hangs under the real daemon; 2 wrong usage or input; 130 after Ctrl-C, 143 after SIGTERM. What the
real daemon takes no notice of (text on standard output, an exit code at the end) is a remark.`
