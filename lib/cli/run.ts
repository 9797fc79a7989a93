// `kcl-session run`: the real daemon with a consumer on it.

import { Output } from '../io/output.ts'
import { launch } from '../launcher/launch.ts'
import { type StopSignal, withSignals } from '../launcher/machine/signals.ts'
import { Reporter } from '../launcher/supervision/reporter.ts'
import { newCommand, parseOptions, splitArguments } from './arguments.ts'
import { configurationFrom, type RunOptions, withRunOptions } from './configuration-options.ts'

/** Runs the command. Resolves to the exit code: 0 or 130 after a clean stop, 1 after a failure. */
export async function run(args: readonly string[]): Promise<number> {
  const { options: words, words: command } = splitArguments(args)
  const parser = runCommand()
  if (!parseOptions(parser, words)) return 0
  const options = parser.opts<RunOptions>()
  const output = new Output(process.stderr)
  const reporter = new Reporter({
    level: options.logLevel,
    json: options.json === true,
    output,
    now: Date.now,
  })
  const onStop = (signal: StopSignal): void =>
    reporter.tell(
      'info',
      `${signal}: the consumers finish what they have in hand; once more ends them at once.`,
    )
  const code = await withSignals({ onStop }, (signals) =>
    launch({
      configuration: configurationFrom(options, parser, command ?? []),
      strict: options.strict === true,
      preflight: options.preflight,
      jars: options.jars,
      protocol: options.protocol,
      javaOptions: options.javaOpt ?? [],
      logLevel: options.logLevel,
      stopTimeout: options.stopTimeout ?? 0,
      startTimeout: options.startTimeout ?? Number.POSITIVE_INFINITY,
      restart: options.restart === true,
      environment: process.env,
      reporter,
      signals,
    }),
  )
  // Whoever does not read our last words must not keep us.
  if (!(await output.flush(LAST_WORDS))) process.exit(code)
  return code
}

function runCommand(): ReturnType<typeof newCommand> {
  return withRunOptions(newCommand('run', 'Runs a consumer under the real daemon.')).usage(
    '[--config FILE] [--PROPERTY=VALUE…] [options] [-- COMMAND…]',
  )
}

const LAST_WORDS = 2000
