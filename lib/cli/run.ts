// `kcl-session run`: the real daemon with a consumer on it.

import { Option } from 'commander'
import type { ConsumerProtocol } from '../children/command.ts'
import { UsageError } from '../errors.ts'
import { launch } from '../launcher/launch.ts'
import { LEVELS, type LogLevel, Reporter } from '../launcher/supervision/reporter.ts'
import { StoppedEarly, StopSignals } from '../launcher/supervision/stop-signals.ts'
import { newCommand, parseOptions, protocolName, seconds, splitArguments } from './arguments.ts'
import {
  type ConfigurationOptions,
  collect,
  configurationFrom,
  withConfigurationOptions,
} from './configuration-options.ts'

interface RunOptions extends ConfigurationOptions {
  readonly jars?: string
  readonly protocol?: ConsumerProtocol
  readonly javaOpt?: readonly string[]
  readonly logLevel: LogLevel
  readonly json?: boolean
  readonly startTimeout: number | null
  readonly restart?: boolean
}

/** Runs the command. Resolves to the exit code: 0 or 130 after a clean stop, 1 after a failure. */
export async function run(args: readonly string[]): Promise<number> {
  const { options: words, words: command } = splitArguments(args)
  const parser = runCommand()
  if (!parseOptions(parser, words)) return 0
  const options = parser.opts<RunOptions>()
  const reporter = new Reporter({
    level: options.logLevel,
    json: options.json === true,
    write: (text) => process.stderr.write(text),
    now: Date.now,
  })
  const signals = new StopSignals((signal) => {
    reporter.tell(
      'info',
      `${signal}: the consumers finish what they have in hand; once more ends them at once.`,
    )
  })
  try {
    return await launch({
      configuration: configurationFrom(options, parser, command ?? []),
      strict: options.strict === true,
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
    })
  } catch (error) {
    const { reason } = signals.signal
    if (reason instanceof StoppedEarly) return reason.exitCode
    throw error
  } finally {
    signals.forget()
  }
}

function runCommand(): ReturnType<typeof newCommand> {
  return withConfigurationOptions(newCommand('run', 'Runs a consumer under the real daemon.'))
    .usage('[--config FILE] [--PROPERTY=VALUE…] [options] [-- COMMAND…]')
    .option('--jars <folder>', "a folder with the daemon's jars (default: the cache, filled by Maven)")
    .option('--protocol <name>', 'fds or stdio (default: fds if the command is node)', protocolName)
    .option('--java-opt <option>', 'an option for Java, such as -Xmx1g (repeatable)', collect)
    .option(
      '--log-level <level>',
      `how much of the daemon's log is shown: ${LEVELS.join(', ')}`,
      levelName,
      'warn',
    )
    .option('--json', 'print one JSON object per event')
    .addOption(
      new Option('--start-timeout <time>', 'how long the daemon may fail to begin; 0 for ever')
        .argParser(seconds)
        .default(60_000, '60s'),
    )
    .option('--restart', 'start the daemon again when it fails')
}

function levelName(text: string): LogLevel {
  const level = LEVELS.find((name) => name === text.toLowerCase())
  if (level === undefined) throw new UsageError(`--log-level=${text}: give one of ${LEVELS.join(', ')}.`)
  return level
}
