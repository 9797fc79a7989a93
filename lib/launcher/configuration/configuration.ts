// Reads everything that says how to run the daemon, merges it and lints it: the one place where the file, the
// flags and the environment meet our defaults. `run` and `check` see the same result.

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ConsumerProtocol, checkCommand, protocolFor } from '../../children/command.ts'
import { UsageError } from '../../errors.ts'
import { readProviders } from './credentials.ts'
import { type Finding, ranked } from './lint/finding.ts'
import { lint } from './lint/lint.ts'
import { COMMAND_PLACE } from './lint/values.ts'
import { parseProperties } from './properties.ts'
import type { Setting, Written } from './setting.ts'
import { fromEnvironment, fromFile, mergeSettings } from './settings.ts'

/** What the command line says about the configuration. */
export interface ConfigurationRequest {
  /** The .properties file, if one was named. */
  readonly file?: string | undefined
  /** Flags such as `--stream-name=words`, in their order. */
  readonly flags: readonly Written[]
  /** The consumer's command, if one was given after `--`. */
  readonly command: readonly string[]
  /** How the consumers are to be spoken with, if that was said. */
  readonly protocol?: ConsumerProtocol | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  /** How long a stop may take, in milliseconds. */
  readonly stopTimeout: number
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The effective configuration. */
export interface Configuration {
  readonly settings: ReadonlyMap<string, Setting>
  /** All findings, errors first. */
  readonly findings: readonly Finding[]
  /** The consumer's command, word by word; empty where there is none. */
  readonly command: readonly string[]
}

/** Reads, merges and lints; throws UsageError where the file cannot be read. */
export function readConfiguration(request: ConfigurationRequest): Configuration {
  const written = [
    ...request.flags,
    ...commandAsFlag(request.command),
    ...fromEnvironment(request.environment),
    ...(request.file === undefined ? [] : readFile(request.file, request.workingDirectory)),
  ]
  const command =
    request.command.length > 0
      ? request.command
      : splitAsDaemon(mergeSettings(written).settings.get('executableName')?.value)
  const { settings, findings } = mergeSettings([...written, ...defaults({ ...request, command })])
  return {
    settings: new Map([...settings].map(([key, setting]) => [key, withNewProviders(setting)])),
    findings: ranked([
      ...findings,
      ...lint(settings, request),
      ...lintCommand(command, request, settings.get('executableName')?.place),
    ]),
    command,
  }
}

/**
 * The daemon's own grace in milliseconds: it must be over before the stop timeout is, so that the consumers'
 * last words are heard.
 */
export function shutdownGrace(stopTimeout: number): number {
  return Math.max(500, stopTimeout - 1000)
}

// Java's StringTokenizer: any blanks separate, nothing quotes.
function splitAsDaemon(executableName: string | undefined): string[] {
  return (executableName ?? '').split(/[ \t\r\n\f]+/).filter((word) => word !== '')
}

// The daemon reports a command that cannot be started in its log alone, and tries for ever.
function lintCommand(
  command: readonly string[],
  { workingDirectory, environment }: ConfigurationRequest,
  place = COMMAND_PLACE,
): Finding[] {
  if (command.length === 0) return []
  try {
    checkCommand(command, { cwd: workingDirectory, env: environment })
    return []
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const [program = ''] = command
    const here = !program.includes('/') && existsSync(resolve(workingDirectory, program))
    return [
      {
        severity: 'error',
        key: 'executableName',
        message: `executableName (${place}) cannot be started: ${error.message}`,
        ...(here && {
          remedy: `Without a slash it is looked for on the PATH alone: write ./${program}, or name its interpreter.`,
        }),
      },
    ]
  }
}

function commandAsFlag(command: readonly string[]): Written[] {
  if (command.length === 0) return []
  return [{ key: 'executableName', value: command.join(' '), source: 'flag', place: COMMAND_PLACE }]
}

function readFile(file: string, workingDirectory: string): Written[] {
  const path = resolve(workingDirectory, file)
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw new UsageError(`--config: ${file} cannot be read: ${whyUnreadable(cause, path)}.`, { cause })
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new UsageError(
      `${file} begins with a byte order mark, which Java takes for a part of the first key. Save it without one.`,
    )
  }
  return fromFile(parseProperties(bytes, file), file)
}

function whyUnreadable(cause: unknown, path: string): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT') return `there is no ${path}`
  if (code === 'EISDIR') return `${path} is a folder`
  if (code === 'EACCES') return `${path} may not be read by this user`
  return cause instanceof Error ? cause.message : String(cause)
}

function defaults({ stopTimeout, command, protocol }: ConfigurationRequest): Written[] {
  const own: [string, string][] = [
    ['initialPositionInStream', 'TRIM_HORIZON'],
    ['AwsCredentialsProvider', 'DefaultCredentialsProvider'],
    ['shutdownGraceMillis', String(shutdownGrace(stopTimeout))],
  ]
  // Made for our sessions, which take them for a tick of the clock. Other clients know no empty batches: AWS's own
  // sample for Python checkpoints them at "None".
  if (protocolFor(command, protocol) === 'fds') own.push(['callProcessRecordsEvenForEmptyRecordList', 'true'])
  return own.map(([key, value]) => ({ key, value, source: 'default', place: 'default of kcl-session' }))
}

function withNewProviders(setting: Setting): Setting {
  if (!setting.key.startsWith('AwsCredentialsProvider')) return setting
  return { ...setting, value: readProviders(setting.value).value }
}
