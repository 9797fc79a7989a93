// Timers as they are when this is loaded. The fake ones that test runners put in their place stand still, and a
// consumer or a daemon that waits for one would hang; where time should move by hand there is `Clock`.

import timers from 'node:timers'

// Copies: the named exports of node:timers are live, and can be faked as well.
export const setTimeout: typeof globalThis.setTimeout = timers.setTimeout
export const clearTimeout: typeof globalThis.clearTimeout = timers.clearTimeout
export const setInterval: typeof globalThis.setInterval = timers.setInterval
export const clearInterval: typeof globalThis.clearInterval = timers.clearInterval
export const setImmediate: typeof globalThis.setImmediate = timers.setImmediate
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask
export const nextTick: typeof process.nextTick = process.nextTick.bind(process)
/** Milliseconds, monotonic; not those of `performance`, whose first use loads much of Node. */
export function now(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}
const hrtime: typeof process.hrtime = process.hrtime.bind(process)
