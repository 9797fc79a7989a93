// The daemon's standard error, line by line: its own events in the form that our logback file gives them, and
// what consumers wrote. Of that the daemon prints two copies, one as an event that names the shard, then the
// bare line; the first is taken and the second dropped.

/** One event of the daemon's log. */
export interface DaemonEvent {
  readonly level: string
  /** ISO 8601, UTC. */
  readonly time: string
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
  | { readonly kind: 'consumer'; readonly shardId: string; readonly text: string }
  /** The JVM itself, or something that cannot be told. */
  | { readonly kind: 'other'; readonly text: string }

/** Tells lines apart; remembers which bare copies are still to come. */
export class LogReader {
  readonly #copies = new Map<string, number>()

  /** The meaning of one line, or undefined for a copy of what was reported already. */
  read(line: string): LogLine | undefined {
    const parts = EVENT.exec(line)
    if (parts === null) return this.#isCopy(line) ? undefined : { kind: 'other', text: line }
    const [, level = '', time = '', logger = '', rest = ''] = parts
    const [, text, shardId] = logger === DRAIN ? (CONSUMER_LINE.exec(rest) ?? []) : []
    if (text !== undefined && shardId !== undefined) {
      this.#copies.set(text, (this.#copies.get(text) ?? 0) + 1)
      return { kind: 'consumer', shardId, text }
    }
    const [message = '', ...stack] = rest.split('¶').filter((part, at) => at === 0 || part !== '')
    const causes = stack.filter((part) => !/^\s/.test(part)).map((part) => part.replace(/^Caused by: /, ''))
    return { kind: 'daemon', event: { level, time, logger, message, causes, stack } }
  }

  #isCopy(line: string): boolean {
    const count = this.#copies.get(line)
    if (count === undefined) return false
    if (count === 1) this.#copies.delete(line)
    else this.#copies.set(line, count - 1)
    return true
  }
}

const EVENT = /^#kcl#([A-Z]+)#([^#]*)#(?:[\w$.-]*\.)?([^#.]+)#(.*)$/s
const DRAIN = 'DrainChildSTDERRTask'
const CONSUMER_LINE = /^Received error line from subprocess \[(.*)\] for shard (\S+)¶$/s
