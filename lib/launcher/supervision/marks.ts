// What the launcher believes: the daemon's standard error, line by line, where the daemon's own events, the lines by
// which consumers announce themselves, and whatever consumers print all come down one pipe.
// Rule: a line says something about the daemon only behind a mark that is random for each start, and nothing that
// a consumer may have copied from a record can be taken for one. All reading and writing of marks is in this file.

import { randomBytes } from 'node:crypto'

/** The marks of one start. */
export interface Marks {
  /** In front of every event of the daemon's log, and in place of its line breaks. */
  readonly event: string
  /** The word by which a starting consumer announces its pid. */
  readonly arrival: string
}

/** One event of the daemon's log. */
export interface DaemonEvent {
  readonly level: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly thread: string
  /** The last part of the logger's name. */
  readonly logger: string
  readonly message: string
  /** The exception with its causes, without the frames: one text each. */
  readonly causes: readonly string[]
  /** The whole stack, line by line. */
  readonly stack: readonly string[]
}

/** What a line is. */
export type LogLine =
  | { readonly kind: 'daemon'; readonly event: DaemonEvent }
  /** A consumer has started. */
  | { readonly kind: 'arrival'; readonly shardId: string; readonly pid: number }
  /** What a consumer wrote. */
  | { readonly kind: 'consumer'; readonly shardId: string; readonly text: string }
  /** The JVM itself, or something that cannot be told. */
  | { readonly kind: 'other'; readonly text: string }

/** New marks, which nobody can have seen before. */
export function newMarks(): Marks {
  return { event: `#kcl-${random()}#`, arrival: `kcl-session-consumer-${random()}` }
}

/** The option that gives Java's log the mark; logback.xml has it in its pattern. */
export function markOption({ event }: Marks): string {
  return `-Dkcl.session.mark=${event}`
}

/** For the text that becomes the consumer: announces the pid of this sh, which the consumer will keep. */
export function announce({ arrival }: Marks): string {
  return `echo "${arrival} $$" >&2`
}

/**
 * Tells lines apart. What a consumer writes to standard error the daemon prints twice, as an event that names the
 * shard and as the bare line; the first is taken, and the second dropped.
 */
export class LogReader {
  readonly #marks: Marks
  readonly #copies = new Map<string, number>()

  constructor(marks: Marks) {
    this.#marks = marks
  }

  /** The meaning of one line, or undefined for a copy of what was reported already. */
  read(line: string): LogLine | undefined {
    const { event: mark } = this.#marks
    const parts = line.startsWith(mark) ? EVENT.exec(line.slice(mark.length)) : null
    if (parts === null) return this.#isCopy(line) ? undefined : { kind: 'other', text: line }
    const [, level = '', time = '', thread = '', logger = '', rest = ''] = parts
    const [message = '', ...stack] = rest.split(mark).filter((part, at) => at === 0 || part !== '')
    const quote = QUOTES[logger]
    if (quote !== undefined) {
      const quoted = quote(message)
      if (quoted !== undefined) return this.#consumerLine(logger, quoted)
      // A very long line of a consumer's, cut on its way here.
      if (message.startsWith(QUOTED_ERROR)) return { kind: 'other', text: message }
    }
    const causes = stack.filter((part) => !/^\s/.test(part)).map((part) => part.replace(/^Caused by: /, ''))
    return { kind: 'daemon', event: { level, time, thread, logger, message, causes, stack } }
  }

  #consumerLine(logger: string, { shardId, text }: Quote): LogLine | undefined {
    if (logger !== STDERR) {
      // Between two messages the daemon skips blank lines, and messages that come too late for it.
      return text.trim() === '' || MESSAGE.test(text) ? undefined : { kind: 'consumer', shardId, text }
    }
    this.#expectCopy(text)
    const pid = text.startsWith(`${this.#marks.arrival} `)
      ? Number(text.slice(this.#marks.arrival.length))
      : undefined
    return pid === undefined ? { kind: 'consumer', shardId, text } : { kind: 'arrival', shardId, pid }
  }

  #expectCopy(text: string): void {
    this.#copies.set(text, (this.#copies.get(text) ?? 0) + 1)
    // The bare line comes right behind its event. One that never comes must not stay here for ever.
    if (this.#copies.size > MOST_COPIES) {
      for (const [oldest] of this.#copies) {
        this.#copies.delete(oldest)
        return
      }
    }
  }

  #isCopy(line: string): boolean {
    const count = this.#copies.get(line)
    if (count === undefined) return false
    if (count === 1) this.#copies.delete(line)
    else this.#copies.set(line, count - 1)
    return true
  }
}

interface Quote {
  readonly shardId: string
  readonly text: string
}

function random(): string {
  return randomBytes(12).toString('hex')
}

// The shard stands last, so that a text that contains the same words does not matter.
function standardError(message: string): Quote | undefined {
  const [, text, shardId] =
    /^Received error line from subprocess \[(.*)\] for shard (\S+)$/s.exec(message) ?? []
  return text === undefined || shardId === undefined ? undefined : { shardId, text }
}

// The shard stands first, and has no blank in it.
function standardOutput(message: string): Quote | undefined {
  const [, shardId, text] = /^[A-Z][\w ]+ for shard (\S+): (.*)$/s.exec(message) ?? []
  return text === undefined || shardId === undefined ? undefined : { shardId, text }
}

const STDERR = 'DrainChildSTDERRTask'
// The classes that log what a consumer wrote.
const QUOTES: Readonly<Record<string, ((message: string) => Quote | undefined) | undefined>> = {
  [STDERR]: standardError,
  GetNextMessageTask: standardOutput,
  DrainChildSTDOUTTask: standardOutput,
}
const QUOTED_ERROR = 'Received error line from subprocess ['
const EVENT = /^([A-Z]+)#([^#]*)#([^#]*)#(?:[\w$.-]*\.)?([^#.]+)#(.*)$/s
const MESSAGE = /^\s*\{\s*"(?:action|responseFor|sequenceNumber|subSequenceNumber|checkpoint)"/
const MOST_COPIES = 1000
