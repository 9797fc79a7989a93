// Command lines shared by the commands that run a consumer: `[options] -- PROGRAM ARGUMENTS`, read by commander,
// with its errors turned into `UsageError`.

import { Command, CommanderError, InvalidArgumentError } from 'commander'
import type { ConsumerProtocol } from '../children/command.ts'
import { UsageError } from '../errors.ts'

/** Both halves of a command line: the options, and the consumer's command behind the first `--`. */
export interface SplitArguments {
  readonly options: readonly string[]
  /** Null when there is no `--`. */
  readonly words: readonly string[] | null
}

/** Splits before anything is parsed: what is behind `--` is none of our business. */
export function splitArguments(args: readonly string[]): SplitArguments {
  const at = args.indexOf('--')
  return at === -1
    ? { options: args, words: null }
    : { options: args.slice(0, at), words: args.slice(at + 1) }
}

/** A commander command that throws instead of ending the process. */
export function newCommand(name: string, about: string): Command {
  return new Command(`kcl-session ${name}`)
    .description(about)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .helpOption('-h, --help', 'show this')
}

/** Parses the options. False: help was asked for and given. */
export function parseOptions(command: Command, options: readonly string[]): boolean {
  try {
    command.parse(options, { from: 'user' })
    return true
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return false
    const text = error.message
      .replace(/^error: /, '')
      .replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean $1?')
    throw new UsageError(`${text.replace(/([^.?!])$/, '$1.')} See ${command.name()} --help.`, {
      cause: error,
    })
  }
}

/** A whole number, for commander. */
export function wholeNumber(least: number, largest: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= largest) return value
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${largest}.`)
  }
}

/** A time, for commander: seconds without a unit. Milliseconds, or null for 0, which means none. */
export function seconds(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text)
  const unit = UNITS[match?.[2] ?? 's']
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError('Give a time such as 30, 500ms or 5m.')
  }
  return Math.ceil(Number(match[1]) * unit) || null
}

/** A time as ISO 8601 has it, or how long ago it was, as in `1h`; null where it is neither. */
export function timeOf(text: string): number | null {
  const ago = /^(\d+)(ms|s|m|h|d)$/.exec(text)
  if (ago !== null) return Date.now() - Number(ago[1]) * (UNITS[ago[2] ?? ''] ?? 0)
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)) ? Date.parse(text) : null
}

/** `fds` or `stdio`, for commander. */
export function protocolName(text: string): ConsumerProtocol {
  if (text === 'fds' || text === 'stdio') return text
  throw new InvalidArgumentError('Give fds or stdio.')
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
