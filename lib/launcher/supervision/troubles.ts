// What the daemon complains of. A complaint is the reason of a death only while it is made: once work goes on without
// it, it has expired. And what is said again and again is news once. Pure: events and times in.

import { briefly } from './causes.ts'
import type { DaemonEvent } from './marks.ts'

/** Keeps the latest complaints. Times are milliseconds. */
export class Troubles {
  #cause: { readonly words: string; at: number } | undefined
  #error: { readonly words: string; readonly at: number } | undefined
  #working = false
  readonly #shown = new Map<string, number>()

  /** The daemon has begun to work: from now on complaints expire. Until then it may be silent between two tries. */
  work(): void {
    this.#working = true
  }

  /** Takes an event with the words for its cause, if there are any; true where those words are news. */
  hear(event: DaemonEvent, cause: string | undefined, now: number): boolean {
    if (event.level === 'ERROR') this.#error = { words: briefly(event), at: now }
    if (cause === undefined) return false
    const known = this.cause(now) === cause
    this.#cause = { words: cause, at: now }
    return !known
  }

  /** What keeps the daemon from its work, in words. */
  cause(now: number): string | undefined {
    return this.#fresh(this.#cause, now)
  }

  /** Why the daemon ended: what it complained of at last. */
  why(now: number): string | undefined {
    return this.cause(now) ?? this.#fresh(this.#error, now)
  }

  /** Whether the same was said a moment ago, in all but its numbers. */
  isRepeated({ logger, level, message }: DaemonEvent, now: number): boolean {
    if (level !== 'ERROR' && level !== 'WARN') return false
    const text = `${logger} ${message.replace(/(?<![\w-])\d+/g, 'N')}`
    const shown = this.#shown.get(text)
    if (shown !== undefined && now - shown < QUIET) return true
    if (this.#shown.size >= MOST_SHOWN) this.#shown.clear()
    this.#shown.set(text, now)
    return false
  }

  #fresh(
    trouble: { readonly words: string; readonly at: number } | undefined,
    now: number,
  ): string | undefined {
    return trouble !== undefined && (!this.#working || now - trouble.at < EXPIRES) ? trouble.words : undefined
  }
}

// The daemon tries again every second, and its SDK waits for an answer for some seconds more.
const EXPIRES = 15_000
const QUIET = 60_000
const MOST_SHOWN = 500
