// The options of `run`, all of which `check` takes as well: where the configuration comes from, and how it is run.
// Whatever else has two dashes is a property of the daemon.

import { type Command, Option } from 'commander'
import type { ConsumerProtocol } from '../children/command.ts'
import { UsageError } from '../errors.ts'
import { exactName } from '../launcher/configuration/catalogue/catalogue.ts'
import { type Configuration, readConfiguration } from '../launcher/configuration/configuration.ts'
import { settingFlags } from '../launcher/configuration/flags.ts'
import type { Setting, Written } from '../launcher/configuration/setting.ts'
import { LEVELS, type LogLevel } from '../launcher/supervision/reporter.ts'
import { protocolName, seconds } from './arguments.ts'
import { type ObservationOptions, withObservationOptions } from './observation-options.ts'

/** The options, as commander names them. */
export interface RunOptions extends ObservationOptions {
  readonly config?: string
  readonly set?: readonly string[]
  readonly strict?: boolean
  /** Milliseconds; null for none at all. */
  readonly stopTimeout: number | null
  readonly jars?: string
  readonly patchedJar?: readonly string[]
  readonly classpath?: string
  readonly logback?: string
  readonly quiet?: boolean
  readonly dryRun?: boolean
  readonly protocol?: ConsumerProtocol
  readonly javaOpt?: readonly string[]
  readonly logLevel: LogLevel
  readonly json?: boolean
  readonly startTimeout: number | null
  readonly restart?: boolean
  readonly shared?: boolean
  readonly preflight: boolean
  readonly onStuck: OnStuck
  /** Milliseconds; null for none. */
  readonly summary: number | null
  readonly live: boolean
}

/** What happens where a shard is stuck: it is told, or the worker is stopped too. */
export type OnStuck = 'tell' | 'exit'

/** Adds the options to a command. */
export function withRunOptions(command: Command): Command {
  return withObservationOptions(command)
    .option('--config <file>', 'a .properties file of the MultiLangDaemon')
    .option('--set <key=value>', 'a property of the daemon (repeatable); --key=value does the same', collect)
    .option('--strict', 'treat warnings as errors')
    .addOption(
      new Option('--stop-timeout <time>', 'how long a stop may take before everything is killed')
        .argParser(seconds)
        .default(25_000, '25s'),
    )
    .option('--jars <folder>', "a folder with the daemon's jars (default: the cache, filled by Maven)")
    .option('--patched-jar <name>', 'a jar in that folder that may differ from ours (repeatable)', collect)
    .option('--classpath <paths>', "jars and folders to load in front of the daemon's jars")
    .option('--logback <file>', 'a logback file of your own, on top of ours')
    .option('--protocol <name>', 'fds or stdio (default: fds if the command is node)', protocolName)
    .option('--java-opt <option>', 'an option for Java, such as -Xmx1g (repeatable)', collect)
    .option(
      '--log-level <level>',
      `how much of the daemon's log is shown: ${LEVELS.join(', ')}`,
      levelName,
      'warn',
    )
    .option('--json', 'print one JSON object per event')
    .option('--quiet', 'print what consumers write and what goes wrong, and nothing else')
    .option('--dry-run', 'print how the daemon would be started, and with which properties; start nothing')
    .addOption(
      new Option('--start-timeout <time>', 'how long the daemon may fail to begin; 0 for ever')
        .argParser(seconds)
        .default(60_000, '60s'),
    )
    .option('--restart', 'start the daemon again when it fails')
    .option('--shared', 'serve all shards in one process, whose program calls eachShard()')
    .option('--no-preflight', 'do not ask AWS about the stream and the lease table before the start')
    .option(
      '--on-stuck <what>',
      'where a shard is stuck: tell, or exit: stop the worker with exit code 1',
      onStuck,
      'tell',
    )
    .addOption(
      new Option('--summary <time>', 'how often a line tells of all shards, off a terminal; 0: never')
        .argParser(seconds)
        .default(60_000, '60s'),
    )
    .option('--no-live', 'draw no table of shards below the log on a terminal')
    .allowUnknownOption()
    .allowExcessArguments()
}

/** Reads the configuration that the options, the environment and the file make together. */
export function configurationFrom(
  options: RunOptions,
  command: Command,
  commandWords: readonly string[],
): Configuration {
  const own = command.options.map((option) => option.long?.slice(2) ?? '')
  return readConfiguration({
    file: options.config,
    flags: settingFlags(command.args, options.set ?? [], own),
    command: commandWords,
    protocol: options.protocol,
    environment: process.env,
    workingDirectory: process.cwd(),
    stopTimeout: options.stopTimeout ?? 0,
    now: Date.now(),
  })
}

/**
 * The settings for a command that needs only some of them, with the checks that `run` makes. What is missing is for
 * the command to say; throws UsageError with the first thing that is wrong.
 */
export function settingsFrom(command: Command): ReadonlyMap<string, Setting> {
  const options = command.opts<{ config?: string; set?: readonly string[] }>()
  const own = command.options.map((option) => option.long?.slice(2) ?? '')
  return readSettings(options.config, settingFlags(command.args, options.set ?? [], own))
}

/** The settings of a file and of flags, with the same checks. */
export function readSettings(
  file: string | undefined,
  flags: readonly Written[],
): ReadonlyMap<string, Setting> {
  const configuration = readConfiguration({
    file,
    flags,
    command: [],
    environment: process.env,
    workingDirectory: process.cwd(),
    stopTimeout: 0,
    now: Date.now(),
  })
  refuseErrors(configuration)
  return configuration.settings
}

/** Throws UsageError with the first error about what is there. */
export function refuseErrors({ settings, findings }: Configuration): void {
  const wrong = findings.find(
    ({ severity, key }) => severity === 'error' && (settings.has(key) || exactName(key) === undefined),
  )
  if (wrong !== undefined) throw new UsageError(`${wrong.message} ${wrong.remedy ?? ''}`.trim())
}

/** For options that may be given again and again. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

function levelName(text: string): LogLevel {
  const level = LEVELS.find((name) => name === text.toLowerCase())
  if (level === undefined) throw new UsageError(`--log-level=${text}: give one of ${LEVELS.join(', ')}.`)
  return level
}

function onStuck(text: string): OnStuck {
  if (text === 'tell' || text === 'exit') return text
  throw new UsageError(`--on-stuck=${text}: give tell or exit.`)
}
