// How a consumer ended, in words: from its exit value, and from the last lines that it wrote.

import { constants } from 'node:os'
import type { ConsumerExit } from '../../children/consumer.ts'
import type { JvmExit } from './jvm.ts'
import type { Reporter } from './reporter.ts'
import type { RosterEntry } from './roster.ts'

/** What may be behind a death, from the exit value, if it is known, and the last words. */
export type Guess = (value: number | undefined, words: readonly string[]) => string | undefined

/** Tells a consumer's death in one line: once its exit value is known, or a moment later without. */
export class Death {
  readonly shardId: string
  readonly #what: string
  readonly #words: readonly string[]
  readonly #thread: string | undefined
  readonly #reporter: Reporter
  readonly #guess: Guess
  #value: number | undefined
  #told = false

  /** `what` it did: "ended before it acknowledged processRecords"; `thread` is the daemon's that noticed, if one did. */
  constructor(
    entry: Pick<RosterEntry, 'shardId' | 'lastWords'>,
    what: string,
    thread: string | undefined,
    reporter: Reporter,
    guess: Guess = () => undefined,
  ) {
    this.shardId = entry.shardId
    this.#words = entry.lastWords
    this.#what = what
    this.#thread = thread
    this.#reporter = reporter
    this.#guess = guess
  }

  get #sentence(): string {
    const how = this.#value === undefined ? '' : ` (${howItEnded(this.#value)})`
    const word = tellingLine(this.#words)
    const hint = this.#guess(this.#value, this.#words)
    return `${hint === undefined ? '' : `${hint} `}The consumer of ${this.shardId} ${this.#what}${how}.${word === undefined ? '' : ` Its last words: ${word}`}`
  }

  /** The daemon has seen some consumer out: the thread that noticed this death tells of this one. */
  seeOut(value: number, thread: string): void {
    const ours = this.#thread === undefined ? value !== 0 : this.#thread === thread
    if (!ours || this.#value !== undefined) return
    this.#value = value
    if (!this.#told) this.tell()
    else {
      const text = `${this.shardId}: the daemon has seen its dead consumer out: ${howItEnded(value)}`
      this.#reporter.tell('error', text, { event: 'died', shardId: this.shardId })
    }
  }

  /** Tells it as far as it is known, once. */
  tell(): void {
    if (this.#told) return
    this.#told = true
    this.#reporter.tell('error', this.#sentence, { event: 'died', shardId: this.shardId })
  }
}

/** How the daemon ended; `complaint` is what it said of trouble at last. */
export function howDaemonEnded({ code, signal }: JvmExit, complaint: string): string {
  if (signal === null) return `The daemon ended by itself (exit code ${code}). ${complaint}`.trim()
  const memory = signal === 'SIGKILL' ? ' The system does that where memory runs out.' : ''
  return `The daemon was killed by ${signal}, and not by kcl-session.${memory}`
}

/** How the process that serves all shards ended, in words. */
export function howHostEnded({ code, signal }: ConsumerExit, host: HostWords): string {
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`
  const word = tellingLine(host.lastWords)
  const last = word === undefined ? '' : ` Its last words: ${word}`
  const hint = host.ready ? '' : ' It never called eachShard().'
  return `The process that serves all shards ended (${how}), and with it every consumer.${hint}${last}`
}

interface HostWords {
  readonly ready: boolean
  readonly lastWords: readonly string[]
}

/** What an exit value says, as Java gives it: above 128 it is a signal's number. */
export function howItEnded(value: number): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === value - 128) ?? []
  if (signal === undefined) return `exit code ${value}`
  return signal === 'SIGKILL' ? 'killed by SIGKILL, as a limit on memory does it' : `killed by ${signal}`
}

/**
 * The line that names the error, among the last ones. In a stack that is its head, neither a frame nor one of the
 * error's properties, which follow and are indented.
 */
export function tellingLine(lines: readonly string[]): string | undefined {
  const heads = lines.filter((line) => /^\S/.test(line))
  const line =
    heads.findLast((head) => NAMED.test(head)) ??
    heads.findLast((head) => TELLING.test(head)) ??
    lines.findLast((other) => TELLING.test(other) && !/^\s+at /.test(other))
  return line?.trim()
}

// An exception's class begins the head, in JavaScript, Python and Java alike; other languages panic.
const NAMED =
  /^(?:Uncaught |Exception in thread "[^"]*" |\[)?(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception)\b|^(?:Error|panic|fatal error):/
const TELLING = /error|exception|fail|cannot|not found|denied|panic|killed|abort/i
