// The options that `run` and `check` share: where the configuration comes from. Whatever else has two dashes
// is a property of the daemon.

import { type Command, Option } from 'commander'
import { type Configuration, readConfiguration } from '../launcher/configuration/configuration.ts'
import { settingFlags } from '../launcher/configuration/flags.ts'
import { seconds } from './arguments.ts'

/** The shared options, as commander names them. */
export interface ConfigurationOptions {
  readonly config?: string
  readonly set?: readonly string[]
  readonly strict?: boolean
  /** Milliseconds; null for none at all. */
  readonly stopTimeout: number | null
}

/** Adds the shared options to a command. */
export function withConfigurationOptions(command: Command): Command {
  return command
    .option('--config <file>', 'a .properties file of the MultiLangDaemon')
    .option('--set <key=value>', 'a property of the daemon (repeatable); --key=value does the same', collect)
    .option('--strict', 'treat warnings as errors')
    .addOption(
      new Option('--stop-timeout <time>', 'how long a stop may take before everything is killed')
        .argParser(seconds)
        .default(25_000, '25s'),
    )
    .allowUnknownOption()
    .allowExcessArguments()
}

/** Reads the configuration that the options, the environment and the file make together. */
export function configurationFrom(
  options: ConfigurationOptions,
  command: Command,
  commandWords: readonly string[],
): Configuration {
  const own = command.options.map((option) => option.long?.slice(2) ?? '')
  return readConfiguration({
    file: options.config,
    flags: settingFlags(command.args, options.set ?? [], own),
    command: commandWords,
    environment: process.env,
    workingDirectory: process.cwd(),
    stopTimeout: options.stopTimeout ?? 0,
    now: Date.now(),
  })
}

/** For options that may be given again and again. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}
