// Waiting, but not for ever.

import type { Clock } from '../time.ts'

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
