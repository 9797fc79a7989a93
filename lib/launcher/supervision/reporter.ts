// What the launcher prints, on standard error: one line per event, for people or, with --json, for machines.
// A consumer's own lines go through as they are, because their form is the user's.

import { maskText } from '../configuration/masking.ts'
import { briefly } from './causes.ts'
import type { DaemonEvent } from './marks.ts'
import type { RunEvent } from './run-events.ts'

/** How much of the daemon's log is shown. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** What kind of news a line of ours is. */
export type Importance = 'info' | 'warn' | 'error'

/** Where to print; `ready` is a promise while there is no room for more. */
export interface ReportOutput {
  readonly ready?: Promise<void> | undefined
  write(text: string): void
}

/** Where and how to print. */
export interface ReporterOptions {
  readonly level: LogLevel
  readonly json: boolean
  /** Leaves out the launcher's own news, but for warnings and errors. */
  readonly quiet?: boolean
  readonly output: ReportOutput
  /** Where a consumer's lines go, for people; by default they are written as they are. */
  readonly consumer?: (text: string, shardId: string | null) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Prints the launcher's own news, the daemon's log and the consumers' lines. */
export class Reporter {
  readonly #options: ReporterOptions
  readonly #told = new Set<string>()

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  /** A promise while there is no room for more. */
  get ready(): Promise<void> | undefined {
    return this.#options.output.ready
  }

  /** News of the launcher itself; the event behind it is shown in JSON only. */
  tell(importance: Importance, message: string, event?: RunEvent): void {
    const { level, quiet = false } = this.#options
    if (importance !== 'error' && level === 'error') return
    if (importance === 'info' && quiet) return
    const time = new Date(this.#options.now()).toISOString()
    this.#print(time, importance, 'kcl-session', message, { ...event })
  }

  /** The same, unless it has been said already. */
  tellOnce(importance: Importance, message: string): void {
    if (this.#told.has(message)) return
    this.#told.add(message)
    this.tell(importance, message)
  }

  /** An event of the daemon, if the level asks for it; one that is `explained` otherwise takes a level more. */
  event(event: DaemonEvent, explained = false): void {
    const { level, json, output } = this.#options
    const [shown, own] = [LEVELS.indexOf(level), LEVELS.indexOf(event.level.toLowerCase() as LogLevel)]
    const curious = shown >= LEVELS.indexOf('info')
    if (own < 0 || own > shown || (explained && !curious)) return
    const details = event.stack.length === 0 ? {} : { stack: event.stack }
    this.#print(event.time, event.level.toLowerCase(), event.logger, briefly(event), details)
    if (!json && curious) for (const frame of event.stack) output.write(`${maskText(frame)}\n`)
  }

  /** A line that a consumer wrote, of a shard if that is known: as it is, since its form is the user's. */
  consumerLine(text: string, shardId: string | null): void {
    const { json, consumer } = this.#options
    if (!json && consumer !== undefined) consumer(text, shardId)
    else this.#line(text, 'consumer', { shardId })
  }

  /** A line of the JVM itself, or of somebody who cannot be told. */
  otherLine(text: string): void {
    // The frames of a trace say nothing to whoever did not ask for the log.
    if (
      /^\s+(at |\.\.\. \d+ more)/.test(text) &&
      LEVELS.indexOf(this.#options.level) < LEVELS.indexOf('info')
    )
      return
    this.#line(maskText(text), 'java', {})
  }

  #line(text: string, source: string, details: Readonly<Record<string, unknown>>): void {
    const { json, output } = this.#options
    if (!json || isJsonObject(text)) output.write(`${text}\n`)
    else this.#print(new Date(this.#options.now()).toISOString(), 'info', source, text, details)
  }

  #print(
    time: string,
    level: string,
    source: string,
    message: string,
    details: Readonly<Record<string, unknown>>,
  ): void {
    const { json, output } = this.#options
    const text = maskText(message)
    output.write(
      json
        ? `${maskText(JSON.stringify({ time, level, source, message: text, ...details }))}\n`
        : `${time} ${level.toUpperCase().padEnd(5)} ${source}: ${text}\n`,
    )
  }
}

function isJsonObject(text: string): boolean {
  if (!text.startsWith('{')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** From the least to the most that is shown. */
export const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace']
