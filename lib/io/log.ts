// The session's log. It goes to stderr only, one event per line of JSON unless stderr is a terminal, every
// line with its shardId; or to a logger of the user's. No logger can break the session.

import { formatWithOptions, inspect } from 'node:util'
import type { ILogObj, IMeta, Logger as TsLogger } from 'tslog'
import { UsageError } from '../errors.ts'
import { tslog } from '../lazy.ts'
import { type Level, type Logger, type LogMethod, methodOf, plainError } from './logger.ts'
import { notice, toStderr } from './stderr.ts'

/**
 * The user's logger, none (`false`), or ours: on stderr, from `info` up, or from what KCL_SESSION_LOG_LEVEL
 * says (`debug`, `info`, `warn`, `error` or `silent`). The details of each event begin with `shardId`, which
 * is null before the session knows its shard. Throws UsageError for an object that is no logger and for an
 * unknown level.
 */
export function openLogger(option: Logger | false | undefined, shard: () => string | null): Logger {
  if (option === false) return silent
  if (option === undefined) return guarded(openOwn(), shard)
  const missing = LEVELS.filter((level) => typeof option?.[level] !== 'function')
  if (typeof option !== 'object' || missing.length > 0) {
    throw new UsageError(
      `new KclSession(): logger has no method ${missing.join(', ')}. Give an object with debug, info, warn and error, such as console, or false.`,
    )
  }
  return guarded((level) => methodOf(option, level), shard)
}

/** Whether anybody hears what is told at a level: details that cost something need not be made for nobody. */
export function isHeard(logger: Logger, level: Level): boolean {
  return logger[level] !== unheard
}

function guarded(methodAt: (level: Level) => LogMethod | null, shard: () => string | null): Logger {
  let told = false
  const failed = (cause: unknown): void => {
    if (told) return
    told = true
    notice(`kcl-session: the logger failed, and the session goes on without it: ${show(cause)}`)
  }
  return byLevel((level) => {
    const method = methodAt(level)
    if (method === null) return unheard
    return (message, details) => {
      try {
        const result = method(message, { shardId: shard(), ...details })
        if (result instanceof Promise) result.catch(failed)
      } catch (cause) {
        failed(cause)
      }
    }
  })
}

// The method of a level, or none below the lowest that is told.
function openOwn(): (level: Level) => LogMethod | null {
  const lowest = lowestLevel()
  return (level) => {
    if (LEVELS.indexOf(level) < lowest) return null
    return (message, details) => {
      loaded ??= load()
      return loaded[level]({ message, ...details })
    }
  }
}

function lowestLevel(): number {
  const name = process.env[LEVEL_VARIABLE]?.toLowerCase()
  if (!name) return LEVELS.indexOf('info')
  if (name === 'silent') return LEVELS.length
  const lowest = LEVELS.indexOf(name as Level)
  if (lowest >= 0) return lowest
  throw new UsageError(
    `${LEVEL_VARIABLE}: ${JSON.stringify(name)} is not a level. Use ${LEVELS.join(', ')} or silent.`,
  )
}

let loaded: TsLogger<ILogObj> | undefined

// Loaded with the first event: a shard's process should start as fast as bare Node. Unless both transports
// are replaced, tslog writes to stdout, errors too. Its masking copies objects, which breaks those with private fields.
function load(): TsLogger<ILogObj> {
  const { Logger } = tslog()
  return new Logger<ILogObj>({
    type: process.stderr.isTTY ? 'pretty' : 'json',
    hideLogPositionForProduction: true,
    stylePrettyLogs: colors(),
    prettyLogTemplate: '{{dateIsoStr}} {{logLevelName}} ',
    maskValuesOfKeys: [],
    overwrite: {
      formatLogObj: ([event]) => ({ args: [event], errors: [] }),
      transportFormatted: (meta, [event]) => void toStderr(`${meta}${pretty(event as object)}\n`),
      transportJSON: (event) => void toStderr(`${json(event as { _meta: IMeta })}\n`),
    },
  })
}

function pretty(event: object): string {
  const { message, shardId, ...details } = event as Record<string, unknown>
  const head = shardId === null ? `${message}` : `${message} (${shardId})`
  const inspected = Object.values(details).length === 0 ? [] : [details]
  return formatWithOptions({ colors: colors(), depth: DEPTH }, '%s', head, ...inspected)
}

function json({ _meta, ...event }: { _meta: IMeta }): string {
  const line = { time: _meta.date, level: _meta.logLevelName.toLowerCase(), ...event }
  try {
    return JSON.stringify(line, readable)
  } catch {
    // A circle, or a getter or toJSON that throws.
    const { time, level, message, shardId, ...details } = line as Record<string, unknown>
    return JSON.stringify({ time, level, message, shardId, details: show(details) })
  }
}

// What JSON cannot say: an error's own fields are not enumerable, and a bigint throws.
function readable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Error ? plainError(value) : value
}

function show(value: unknown): string {
  try {
    return inspect(value, { depth: DEPTH, breakLength: Number.POSITIVE_INFINITY })
  } catch {
    return 'something that cannot be shown'
  }
}

function colors(): boolean {
  return process.stderr.isTTY === true && process.stderr.hasColors?.() === true
}

function byLevel(method: (level: Level) => Logger[Level]): Logger {
  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') }
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']
const LEVEL_VARIABLE = 'KCL_SESSION_LOG_LEVEL'
// Of objects inside the details.
const DEPTH = 4
function unheard(): void {}
const silent: Logger = byLevel(() => unheard)
