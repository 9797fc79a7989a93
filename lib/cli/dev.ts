// `kcl-session dev`: a consumer on a file of records or on a stream, with the embedded daemon.
// Rule: everything that can be checked is checked before the first consumer starts.

import {
  type ConsumerProtocol,
  checkCommand,
  hasShell,
  protocolFor,
  shellQuote,
} from '../children/command.ts'
import { starvingAfter } from '../children/states.ts'
import { Daemon } from '../daemon/daemon.ts'
import { FaultPlan } from '../daemon/faults/fault-plan.ts'
import { StateFolder } from '../daemon/lease/state.ts'
import { tellAll } from '../daemon/watch/observer.ts'
import { RecordKeeper } from '../daemon/watch/record-keeper.ts'
import { Recorder } from '../daemon/watch/recorder.ts'
import { observerFor } from '../daemon/watch/worker-observer.ts'
import { UsageError } from '../errors.ts'
import { Output } from '../io/output.ts'
import { StopSignals } from '../launcher/machine/signals.ts'
import { systemClock } from '../time.ts'
import { parseOptions, splitArguments } from './arguments.ts'
import { type DevOptions, devCommand, devOptions } from './dev-options.ts'
import { DevReporter, type RunReporter } from './dev-reporter.ts'
import type { DevSource } from './dev-source.ts'
import { openFile } from './file-source.ts'
import { JsonReporter } from './json-reporter.ts'
import { Observation } from './observation.ts'
import { openStream } from './stream-source.ts'
import { ownVersion } from './version.ts'

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
  if (asked.shared) checkShared(words, asked.protocol)
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
  const { file, stream } = options
  const source =
    file === null ? await openStream(options, stream, folder) : await openFile(options, file, folder)
  try {
    return await runDaemon(options, words, source, goOn)
  } finally {
    source.close()
  }
}

async function runDaemon(
  options: DevOptions,
  words: readonly string[],
  source: DevSource,
  goOn: string,
): Promise<number> {
  const plan = new FaultPlan(options.faults.faults, options.seed)
  const errors = new Output(process.stderr)
  const reporter: RunReporter = options.json
    ? new JsonReporter(process.stdout, errors)
    : new DevReporter(errors, { ...options, goOn })
  const recorder = recorderFor(options)
  const { stream, reader, table, atEnd, isLive } = source
  const observation = await Observation.open(options, {
    identity: {
      application: null,
      stream: source.name,
      worker: null,
      version: ownVersion(),
      kcl: null,
    },
    starvingAfter: isLive ? starvingAfter(IDLE) : null,
    onState: (shard, before) => reporter.changed(shard, before),
  })
  const { worker, environment: reports, url } = observation
  const observers = [observerFor(worker), ...(recorder === null ? [] : [recorder]), reporter, source.observer]
  const protocol = protocolFor(words, options.protocol)
  const daemon = new Daemon({
    stream,
    reader,
    words,
    protocol,
    shared: options.shared,
    batch: options.batch,
    timeout: options.timeout,
    atEnd,
    // Wherever `run` turns them on.
    idle: protocol === 'fds' ? IDLE : null,
    table,
    plan,
    strict: options.strict,
    reports,
    observer: tellAll(observers),
  })
  // Whoever read our output may leave; the run goes on.
  process.stdout.on('error', () => {})
  reporter.begin(daemon, plan.isEmpty ? null : options.seed)
  if (url !== null) reporter.listening(url)
  worker.began()
  const { stopTimeout } = options
  let forget: () => void = () => {}
  const signals = new StopSignals({
    onStop: (signal) => {
      worker.phase = 'draining'
      reporter.stopping(signal, stopTimeout)
      if (stopTimeout === null) return
      forget = systemClock.after(stopTimeout, () => {
        reporter.stopTimedOut()
        daemon.kill()
      })
    },
  })
  const feeding = source.feed(daemon, (text) => reporter.note?.(text))
  try {
    await signals.during({ stop: () => daemon.drain(), kill: () => daemon.kill() }, () => daemon.run())
  } finally {
    signals.forget()
    forget()
    source.stop()
    await feeding
    recorder?.finish()
    reporter.end(daemon)
    await observation.close()
  }
  const code = signals.exitCode ?? (daemon.succeeded ? 0 : 1)
  // Who asked for a stop is not kept by somebody who does not read.
  if (signals.stopped !== undefined && !(await errors.flush(LAST_WORDS))) process.exit(code)
  return code
}

function checkShared(words: readonly string[], protocol: ConsumerProtocol | undefined): void {
  if (protocol === 'stdio') {
    throw new UsageError(
      '--shared and --protocol=stdio exclude each other: with --shared each shard brings its own socket.',
    )
  }
  if (!hasShell()) throw new UsageError('--shared needs /bin/sh, which this system does not have.')
  if (protocolFor(words) === 'fds') return
  throw new UsageError(
    `--shared needs node itself as the command, and not ${words[0]} (nor node --watch), which would start it in between: -- node consumer.js, or for TypeScript -- node --import tsx consumer.ts.`,
  )
}

function recorderFor({ record, ...secrets }: DevOptions): Recorder | RecordKeeper | null {
  if (record === undefined) return null
  return /\.(ndjson|jsonl)$/.test(record) ? new RecordKeeper(record, secrets) : new Recorder(record, secrets)
}

// For whoever stopped a run in the middle.
function howToGoOn(
  { state, file }: DevOptions,
  options: readonly string[],
  words: readonly string[],
): string {
  const memory = 'The checkpoints were kept in memory only'
  if (file?.input === '-') {
    return `${memory}, and standard input cannot be read again: with a file and --state FOLDER a run goes on where it was stopped.`
  }
  const more = state === undefined ? ['--state', '.kcl-session'] : []
  const npx = process.env.npm_command === 'exec' ? 'npx ' : ''
  const line = ['kcl-session', 'dev', ...options, ...more, '--', ...words].map(shellQuote).join(' ')
  if (state !== undefined) return `To go on after them: ${npx}${line}`
  return `${memory}. With --state a run goes on where it was stopped: ${npx}${line}`
}

// How long a shard waits for records until it gets an empty batch, in milliseconds: the launcher's daemon does that.
const IDLE = 1000
// How long a stop waits for somebody to read what was said, in milliseconds.
const LAST_WORDS = 2000
