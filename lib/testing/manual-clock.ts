// A clock that stands still until it is told to move: for policies, retries and time-outs in tests.

import type { Clock } from '../time.ts'

/** Give it to the session as `clock`, and move it by hand. */
export class ManualClock implements Clock {
  #now = 0
  #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  /** How many timers are set that somebody waits for: those that keep no process alive are not counted. */
  get pending(): number {
    return this.#timers.filter(({ unref }) => !unref).length
  }

  after(delay: number, task: () => void, { unref = false }: { unref?: boolean } = {}): () => void {
    const timer = { due: this.#now + delay, task, unref }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /**
   * Moves on by so many milliseconds, and runs what falls due on the way, in order, each at its time.
   *
   * @example
   * daemon.clock.advance(60_000)
   */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#now = Math.max(this.#now, next.due)
      next.task()
    }
    this.#now = end
  }

  #due(end: number): Timer | undefined {
    return this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
  }
}

interface Timer {
  readonly due: number
  readonly task: () => void
  readonly unref: boolean
}
