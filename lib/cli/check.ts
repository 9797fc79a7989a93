// `kcl-session check`: the configuration that `run` would use, where each value comes from, and every finding.

import { whyNoGate, whyNotShared } from '../children/host-process.ts'
import { UsageError } from '../errors.ts'
import { mayStart, ranked } from '../launcher/configuration/lint/finding.ts'
import { explain, reference, reportConfiguration, unexplained } from '../launcher/configuration/report.ts'
import { preflight } from '../launcher/preflight/preflight.ts'
import { newCommand, parseOptions, splitArguments } from './arguments.ts'
import { configurationFrom, type RunOptions, withRunOptions } from './configuration-options.ts'

interface CheckOptions extends RunOptions {
  readonly explain?: string
  readonly online?: boolean
}

/** Runs the command. Resolves to the exit code: 2 where `run` would refuse to start. */
export async function check(args: readonly string[]): Promise<number> {
  const { options, words } = splitArguments(args)
  const command = withRunOptions(
    newCommand(
      'check',
      'Prints the effective configuration, where each value comes from, and what is wrong with it.',
    ),
  )
    .usage(
      '[--config FILE] [--PROPERTY=VALUE…] [--online] [--explain PROPERTY] [options of run] [-- COMMAND…]',
    )
    .option('--online', 'ask AWS, too: the credentials, the stream, and whose the lease table is')
    .option('--explain <property>', 'tell everything about one property; "all" prints every one as Markdown')
  if (!parseOptions(command, options)) return 0
  const given = command.opts<CheckOptions>()
  if (given.explain !== undefined) {
    console.log(explained(given.explain))
    return 0
  }
  const offline = configurationFrom(given, command, words ?? [])
  const online = given.online === true ? await preflight(offline.settings, process.env) : []
  const findings = ranked([...offline.findings, ...online])
  console.log(reportConfiguration({ ...offline, findings }))
  if (given.shared) console.log(await sharedOrNot(words ?? []))
  return mayStart(findings, given.strict === true) ? 0 : 2
}

async function sharedOrNot(words: readonly string[]): Promise<string> {
  const problem = words.length === 0 ? await whyNoGate() : await whyNotShared(words)
  return problem === null
    ? '\nOne process will serve all shards (--shared).'
    : `\nEach shard will have a process of its own, in spite of --shared: ${problem}.`
}

function explained(name: string): string {
  if (name === 'all') return reference()
  const text = explain(name)
  if (text === undefined) throw new UsageError(unexplained(name))
  return text
}
