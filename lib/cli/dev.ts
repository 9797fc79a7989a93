// `kcl-session dev`: a consumer on a file of records, with the embedded daemon.
// Rule: everything that can be checked is checked before the first consumer starts.

import { checkCommand, protocolFor, shellQuote } from '../children/command.ts'
import type { LeasePosition } from '../daemon/conversation/messages.ts'
import { Daemon } from '../daemon/daemon.ts'
import { FaultPlan } from '../daemon/faults/fault-plan.ts'
import { oddKeys } from '../daemon/faults/odd-keys.ts'
import { LeaseTable } from '../daemon/lease/lease-table.ts'
import { type SavedState, StateFolder } from '../daemon/lease/state.ts'
import { Input } from '../daemon/stream/input.ts'
import { keyRule } from '../daemon/stream/record-line.ts'
import { Stream } from '../daemon/stream/stream.ts'
import { tellAll } from '../daemon/watch/observer.ts'
import { Recorder } from '../daemon/watch/recorder.ts'
import { plural } from '../daemon/watch/report.ts'
import { UsageError } from '../errors.ts'
import { Output } from '../io/output.ts'
import { StopSignals } from '../launcher/machine/signals.ts'
import { systemClock } from '../time.ts'
import { parseOptions, splitArguments } from './arguments.ts'
import { type DevOptions, devCommand, devOptions } from './dev-options.ts'
import { DevReporter, type RunReporter } from './dev-reporter.ts'
import { JsonReporter } from './json-reporter.ts'

/** Runs the command. Resolves to the exit code: 0 only when everything was acknowledged and checkpointed. */
export async function dev(args: readonly string[]): Promise<number> {
  const { options, words } = splitArguments(args)
  const command = devCommand()
  if (!parseOptions(command, options)) return 0
  const [stray] = command.args
  if (stray !== undefined) {
    const advice = words === null ? 'Put "--" in front of the consumer\'s command' : 'Options come first'
    throw new UsageError(
      `"${stray}" is not an option. ${advice}, as in: dev --input FILE -- node consumer.js`,
    )
  }
  if (words === null || words.length === 0) {
    throw new UsageError(
      'The consumer is missing: end the line with its command, for instance -- node consumer.js',
    )
  }
  const asked = devOptions(command)
  protocolFor(words, asked.protocol)
  checkCommand(words)
  const folder = asked.state === undefined ? null : new StateFolder(asked.state)
  try {
    return await runWith(asked, words, folder, howToGoOn(asked, options, words))
  } finally {
    folder?.close()
  }
}

async function runWith(
  options: DevOptions,
  words: readonly string[],
  folder: StateFolder | null,
  goOn: string,
): Promise<number> {
  const saved = folder?.load() ?? null
  const shape = shapeOf(options)
  if (saved !== null) checkSaved(saved, options, shape)
  const shardCount = options.shards ?? saved?.shardCount ?? 1
  const { aggregate } = options.faults
  const stream = new Stream({
    shards: saved?.shards ?? shardCount,
    createdAt: saved?.createdAt ?? Date.now(),
    aggregate,
  })
  const keyOf = keyRule(options.key)
  const input = new Input({
    file: options.input,
    keyOf: options.faults.oddKeys ? oddKeys(keyOf) : keyOf,
    onRecord: (ordinal, key) => stream.put(ordinal, key),
    ...(folder === null ? {} : { seen: saved?.input ?? null }),
  })
  const save = (checkpoints: ReadonlyMap<string, LeasePosition>): void =>
    folder?.save({ stream, shape, shardCount, checkpoints, input: input.fingerprint })
  const table = new LeaseTable(saved?.checkpoints, save)
  try {
    if (folder !== null && !input.isFile) {
      throw new UsageError(
        `--state needs a regular file: ${input.name} cannot be read again from a checkpoint.`,
      )
    }
    if (input.isFile) await input.scan(!options.follow)
    // Even without a checkpoint the next run must find the same records under the same sequence numbers.
    save(saved?.checkpoints ?? new Map())
    return await runDaemon({ options, words, stream, input, table, goOn })
  } finally {
    input.close()
  }
}

interface Parts {
  readonly options: DevOptions
  readonly words: readonly string[]
  readonly stream: Stream
  readonly input: Input
  readonly table: LeaseTable
  readonly goOn: string
}

async function runDaemon({ options, words, stream, input, table, goOn }: Parts): Promise<number> {
  const plan = new FaultPlan(options.faults.faults, options.seed)
  const errors = new Output(process.stderr)
  const reporter: RunReporter = options.json
    ? new JsonReporter(process.stdout, errors)
    : new DevReporter(errors, { ...options, goOn })
  const recorder = options.record === undefined ? null : new Recorder(options.record, options.elideData)
  const live = options.follow || !input.isFile
  const daemon = new Daemon({
    stream,
    reader: input,
    words,
    protocol: protocolFor(words, options.protocol),
    batch: options.batch,
    timeout: options.timeout,
    atEnd: options.state === undefined ? 'end-shard' : 'drain',
    idle: live ? IDLE : null,
    table,
    plan,
    strict: options.strict,
    observer: recorder === null ? reporter : tellAll([recorder, reporter]),
  })
  // Whoever read our output may leave; the run goes on.
  process.stdout.on('error', () => {})
  reporter.begin(daemon, plan.isEmpty ? null : options.seed)
  const { stopTimeout } = options
  let forget: () => void = () => {}
  const signals = new StopSignals({
    onStop: (signal) => {
      reporter.stopping(signal, stopTimeout)
      if (stopTimeout === null) return
      forget = systemClock.after(stopTimeout, () => {
        reporter.stopTimedOut()
        daemon.kill()
      })
    },
  })
  if (!live) daemon.endInput()
  const reading = live ? readOn(input, daemon) : Promise.resolve()
  try {
    await signals.during({ stop: () => daemon.drain(), kill: () => daemon.kill() }, () => daemon.run())
  } finally {
    signals.forget()
    forget()
    input.stop()
    await reading
    recorder?.finish()
    reporter.end(daemon)
  }
  const code = signals.exitCode ?? (daemon.succeeded ? 0 : 1)
  // Who asked for a stop is not kept by somebody who does not read.
  if (signals.stopped !== undefined && !(await errors.flush(LAST_WORDS))) process.exit(code)
  return code
}

// A stream is read ahead of its consumers, but not far; a file that is followed is looked at from time to time.
async function readOn(input: Input, daemon: Daemon): Promise<void> {
  try {
    if (input.isFile) await input.follow(() => daemon.moreInput())
    else {
      await input.drain(async () => {
        daemon.moreInput()
        while (daemon.waiting > READ_AHEAD && !daemon.stopping) await daemon.changed()
      })
      daemon.endInput()
    }
  } catch (error) {
    daemon.failInput(error)
  }
}

// For whoever stopped a run in the middle.
function howToGoOn(
  { state, input }: DevOptions,
  options: readonly string[],
  words: readonly string[],
): string {
  const memory = 'The checkpoints were kept in memory only'
  if (input === '-') {
    return `${memory}, and standard input cannot be read again: with a file and --state FOLDER a run goes on where it was stopped.`
  }
  const more = state === undefined ? ['--state', '.kcl-session'] : []
  const npx = process.env.npm_command === 'exec' ? 'npx ' : ''
  const line = ['kcl-session', 'dev', ...options, ...more, '--', ...words].map(shellQuote).join(' ')
  if (state !== undefined) return `To go on after them: ${npx}${line}`
  return `${memory}. With --state a run goes on where it was stopped: ${npx}${line}`
}

// What makes records of lines, in words: a state is of no use to a run that makes others.
function shapeOf(options: DevOptions): string {
  const { aggregate, oddKeys: odd } = options.faults
  const key = options.key === undefined ? 'no --key' : `--key ${options.key}`
  return [
    key,
    ...(aggregate > 1 ? [`--fault aggregate=${aggregate}`] : []),
    ...(odd ? ['--fault odd-keys'] : []),
  ].join(' ')
}

function checkSaved(saved: SavedState, options: DevOptions, shape: string): void {
  if (options.shards !== undefined && options.shards !== saved.shardCount) {
    throw new UsageError(
      `The state in ${options.state} is that of ${plural(saved.shardCount, 'shard')}, not of ${options.shards}: leave --shards out, or use another folder.`,
    )
  }
  if (shape !== saved.shape) {
    throw new UsageError(
      `The state in ${options.state} was made with ${saved.shape}, not with ${shape}: use the same, or another folder.`,
    )
  }
}

// How many records may be read ahead of their delivery.
const READ_AHEAD = 50_000
// How long a shard waits for records until it gets an empty batch, in milliseconds: the launcher's daemon does that.
const IDLE = 1000
// How long a stop waits for somebody to read what was said, in milliseconds.
const LAST_WORDS = 2000
