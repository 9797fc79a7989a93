// Waiting for something to become true.

import { setTimeout as pause } from 'node:timers/promises'

/** Resolves once there is an answer that is not undefined and not false; rejects after `patience` milliseconds. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  patience: number,
): Promise<T> {
  const end = performance.now() + patience
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > end) throw new Error(`Not within ${patience / 1000} s: ${what}`)
    await pause(150)
  }
}
