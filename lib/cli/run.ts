// `kcl-session run`: the real daemon with a consumer on it.

import { existsSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { starvingAfter } from '../children/states.ts'
import { UsageError } from '../errors.ts'
import { Output } from '../io/output.ts'
import type { Configuration } from '../launcher/configuration/configuration.ts'
import { launch } from '../launcher/launch.ts'
import { type StopSignal, withSignals } from '../launcher/machine/signals.ts'
import type { Reporter } from '../launcher/supervision/reporter.ts'
import { newCommand, parseOptions, splitArguments } from './arguments.ts'
import { configurationFrom, type RunOptions, withRunOptions } from './configuration-options.ts'
import { Observation, type Observed } from './observation.ts'
import { RunConsole } from './run-console.ts'
import { ownVersion } from './version.ts'

/** Runs the command. Resolves to the exit code: 0 or 130 after a clean stop, 1 after a failure. */
export async function run(args: readonly string[]): Promise<number> {
  const { options: words, words: command } = splitArguments(args)
  const parser = runCommand()
  if (!parseOptions(parser, words)) return 0
  const options = parser.opts<RunOptions>()
  const output = new Output(process.stderr)
  const shown = new RunConsole(output, {
    level: options.logLevel,
    quiet: options.quiet === true,
    json: options.json === true,
    live: options.live,
    summary: options.summary,
    environment: process.env,
  })
  const { reporter } = shown
  const onStop = (signal: StopSignal): void =>
    reporter.tell(
      'info',
      `${signal}: the consumers finish what they have in hand; once more ends them at once.`,
      { event: 'stopping', signal },
    )
  const running = withSignals({ onStop }, async (signals) => {
    const configuration = configurationFrom(options, parser, command ?? [])
    const observation = await Observation.open(options, {
      ...observedOf(configuration),
      onState: (shard, before) => shown.changed(shard, before),
    })
    try {
      shown.begin(observation.worker, observation.url)
      return await launch({
        configuration,
        strict: options.strict === true,
        preflight: options.preflight,
        jars: options.jars,
        patchedJars: options.patchedJar,
        classPath: existing('--classpath', (options.classpath ?? '').split(delimiter).filter(Boolean)),
        logback: existing('--logback', options.logback === undefined ? [] : [options.logback])[0],
        dryRun: options.dryRun,
        protocol: options.protocol,
        javaOptions: options.javaOpt ?? [],
        logLevel: options.logLevel,
        stopTimeout: options.stopTimeout ?? 0,
        startTimeout: options.startTimeout ?? Number.POSITIVE_INFINITY,
        restart: options.restart === true,
        shared: options.shared,
        environment: process.env,
        reporter,
        signals,
        worker: observation.worker,
        reports: observation.environment,
        exitOnStuck: options.onStuck === 'exit',
      })
    } finally {
      shown.end()
      await observation.close()
    }
  })
  const code =
    options.json === true ? await running.catch((error) => tellMistake(reporter, error)) : await running
  // Whoever does not read our last words must not keep us.
  if (!(await output.flush(LAST_WORDS))) process.exit(code)
  return code
}

function observedOf({ settings }: Configuration): Omit<Observed, 'onState'> {
  const value = (key: string): string | undefined => settings.get(key)?.value.trim()
  const hasEmpty = value('callProcessRecordsEvenForEmptyRecordList') === 'true'
  return {
    identity: {
      application: value('applicationName') ?? null,
      stream: value('streamName') ?? value('streamArn') ?? null,
      worker: null,
      version: ownVersion(),
      kcl: null,
    },
    starvingAfter: hasEmpty
      ? starvingAfter(Number(value('idleTimeBetweenReadsInMillis') ?? IDLE_TIME))
      : null,
  }
}

function tellMistake(reporter: Reporter, error: unknown): number {
  if (!(error instanceof UsageError)) throw error
  reporter.tell('error', error.message)
  return 2
}

// Java takes what is not there for nothing, without a word.
function existing(option: string, paths: readonly string[]): string[] {
  const missing = paths.find((path) => !existsSync(path))
  if (missing !== undefined) throw new UsageError(`${option}: there is no ${missing}.`)
  return paths.map((path) => resolve(path))
}

function runCommand(): ReturnType<typeof newCommand> {
  return withRunOptions(newCommand('run', 'Runs a consumer under the real daemon.')).usage(
    '[--config FILE] [--PROPERTY=VALUE…] [options] [-- COMMAND…]',
  )
}

const LAST_WORDS = 2000
// The daemon's default.
const IDLE_TIME = 1500
