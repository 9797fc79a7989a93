// Waiting: for something to change (everyone who waits is woken, and looks for himself), and not for ever.

import type { Clock } from '../../time.ts'

/** Wakes all who wait, once for each ring. */
export class Bell {
  #waiting: (() => void)[] = []

  ring(): void {
    const woken = this.#waiting
    this.#waiting = []
    for (const wake of woken) wake()
  }

  /** Resolves at the next ring. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** What the promise resolves to, or null when so many milliseconds have passed first. */
export async function within<T>(clock: Clock, time: number, promise: Promise<T>): Promise<T | null> {
  let stop: () => void = () => {}
  const late = new Promise<null>((resolve) => {
    stop = clock.after(time, () => resolve(null))
  })
  const first = await Promise.race([promise, late])
  stop()
  return first
}
