// `kcl-session check`: the configuration that `run` would use, where each value comes from, and every finding.

import { UsageError } from '../errors.ts'
import { mayStart } from '../launcher/configuration/lint/finding.ts'
import { explain, reference, reportConfiguration, unexplained } from '../launcher/configuration/report.ts'
import { newCommand, parseOptions, splitArguments } from './arguments.ts'
import {
  type ConfigurationOptions,
  configurationFrom,
  withConfigurationOptions,
} from './configuration-options.ts'

interface CheckOptions extends ConfigurationOptions {
  readonly explain?: string
}

/** Runs the command. Resolves to the exit code: 2 where `run` would refuse to start. */
export async function check(args: readonly string[]): Promise<number> {
  const { options, words } = splitArguments(args)
  const command = withConfigurationOptions(
    newCommand(
      'check',
      'Prints the effective configuration, where each value comes from, and what is wrong with it.',
    ),
  )
    .usage('[--config FILE] [--PROPERTY=VALUE…] [--explain PROPERTY] [-- COMMAND…]')
    .option('--explain <property>', 'tell everything about one property; "all" prints every one as Markdown')
  if (!parseOptions(command, options)) return 0
  const given = command.opts<CheckOptions>()
  if (given.explain !== undefined) {
    console.log(explained(given.explain))
    return 0
  }
  const configuration = configurationFrom(given, command, words ?? [])
  console.log(reportConfiguration(configuration))
  return mayStart(configuration.findings, given.strict === true) ? 0 : 2
}

function explained(name: string): string {
  if (name === 'all') return reference()
  const text = explain(name)
  if (text === undefined) throw new UsageError(unexplained(name))
  return text
}
