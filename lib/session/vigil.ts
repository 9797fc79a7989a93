// A body that hangs holds its shard, with the lease renewed, for as long as nobody looks. What makes no progress is told
// of after `warnAfter`, and at each doubling of that. It never kills: only the user knows how long the work may take.

import { formatPosition } from '../checkpoint/position.ts'
import type { Logger } from '../io/logger.ts'
import type { Shard } from '../protocol/messages.ts'
import type { Clock } from '../time.ts'
import type { Checkpointing } from './checkpointing.ts'
import type { Handlers } from './handler.ts'

/** What the user's code is at work on: a batch, or the hook of an action. */
export type AtWork =
  | { readonly what: 'batch'; readonly window: { readonly from: number; readonly to: number } }
  | { readonly what: string; readonly window?: undefined }

/** Whom a vigil watches. */
export interface Watched {
  readonly clock: Clock
  readonly log: Logger
  readonly shard: Shard | null
  readonly checkpointing: Checkpointing
  readonly handlers: Handlers | null
  readonly atWork: AtWork | null
}

/** Watches one session, from its first work that takes a while to its end. One timer, whatever the number of batches. */
export class Vigil {
  readonly #watched: Watched
  readonly #warnAfter: number
  #next: number
  #cancel: (() => void) | null = null

  constructor(watched: Watched, warnAfter: number) {
    this.#watched = watched
    this.#warnAfter = warnAfter
    this.#next = warnAfter
  }

  start(): void {
    this.#cancel ??= this.#watched.clock.after(this.#warnAfter, () => this.#look(), { unref: true })
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  #look(): void {
    const { clock, checkpointing, atWork } = this.#watched
    const age = atWork === null ? 0 : clock.now() - checkpointing.progressAt
    if (age < this.#warnAfter) this.#next = this.#warnAfter
    if (atWork !== null && age >= this.#next) {
      this.#tell(atWork, age)
      this.#next *= 2
    }
    this.#cancel = clock.after(this.#next - age, () => this.#look(), { unref: true })
  }

  #tell({ what, window }: AtWork, age: number): void {
    const { log, shard, checkpointing, handlers } = this.#watched
    const seconds = Math.round(age / 1000)
    const details = { shardId: shard?.shardId ?? null, age: Math.round(age) }
    const still = `The shard waits for it, and its lease is renewed meanwhile`
    if (window === undefined) {
      log.warn(`The hook for ${what} has been at work for ${seconds} s. ${still}.`, details)
      return
    }
    const { line } = checkpointing
    const next = line.record(line.watermark)
    const position = next === undefined ? null : formatPosition(next)
    const finished = Math.max(0, line.watermark - window.from) + line.ahead
    const size = window.to - window.from
    const oldest = handlers?.oldest ?? null
    const running =
      handlers === null
        ? ''
        : `${handlers.running} handlers run, the oldest of them on the record at ${oldest === null ? 'none' : formatPosition(oldest)}. `
    log.warn(
      `No progress for ${seconds} s: ${finished} of ${size} records of the batch are finished, the next is at ${position}. ${running}${still}.`,
      { ...details, position },
    )
  }
}
