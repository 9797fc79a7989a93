// The lines that consumers write to standard error, of several shards at once. Rule: what a consumer writes in one go,
// a stack trace for instance, stays together, and each line says of which shard it is.

import { type Clock, systemClock } from '../time.ts'

/** Holds lines until their consumer is quiet, and hands them on together. */
export class ConsumerLines {
  readonly #print: (lines: readonly string[]) => void
  readonly #clock: Clock
  readonly #held = new Map<string, { lines: string[]; since: number; last: number }>()
  #stopTimer: (() => void) | null = null

  constructor(print: (lines: readonly string[]) => void, clock: Clock = systemClock) {
    this.#print = print
    this.#clock = clock
  }

  /** A line of the consumer of a shard, null for none; `alone`: there is no other shard. */
  add(shardId: string | null, line: string, alone: boolean): void {
    if (alone || shardId === null) {
      this.flush()
      this.#print([line])
      return
    }
    const now = this.#clock.now()
    const held = this.#held.get(shardId) ?? { lines: [], since: now, last: now }
    // Structured logs name their shard themselves, and are left as they are for whoever parses them.
    held.lines.push(line.includes(shardId) ? line : `${shardId} | ${line}`.trimEnd())
    held.last = now
    this.#held.set(shardId, held)
    if (held.lines.length >= MOST_LINES) this.#release(shardId)
    else this.#stopTimer ??= this.#clock.after(QUIET, () => this.#look())
  }

  /** Hands on what is held, of one shard or of all. */
  flush(shardId?: string): void {
    for (const one of shardId === undefined ? [...this.#held.keys()] : [shardId]) this.#release(one)
  }

  #look(): void {
    this.#stopTimer = null
    const now = this.#clock.now()
    for (const [shardId, { since, last }] of this.#held) {
      if (now - last >= QUIET || now - since >= LONGEST) this.#release(shardId)
    }
    if (this.#held.size > 0) this.#stopTimer = this.#clock.after(QUIET, () => this.#look())
  }

  #release(shardId: string): void {
    const held = this.#held.get(shardId)
    if (held === undefined) return
    this.#held.delete(shardId)
    this.#print(held.lines)
    if (this.#held.size > 0) return
    this.#stopTimer?.()
    this.#stopTimer = null
  }
}

// Milliseconds: how long a consumer says nothing when it has said what it had to, and how long it may go on.
const QUIET = 25
const LONGEST = 250
const MOST_LINES = 500
