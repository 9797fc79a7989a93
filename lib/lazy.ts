// What is costly to load, each loaded when it is first used, at once: two dependencies, and modules of Node that few
// sessions need.
// Rule for the dependencies: in both ways. Bundlers take a `require` that they can see into their one file; Node's
// modules have none, and make their own. (That of a CommonJS helper, which all bundlers would see, costs 4 ms at each
// start.)

import type { Temporal } from '@js-temporal/polyfill'

/** The Temporal polyfill; native where the runtime has it. */
export function temporal(): typeof Temporal {
  loadedTemporal ??= (globalThis as { Temporal?: typeof Temporal }).Temporal ?? loadPolyfill().Temporal
  return loadedTemporal
}

/** The library behind the session's own log. */
export function tslog(): typeof import('tslog') {
  return bundled() ? require('tslog') : requireHere()('tslog')
}

/** node:readline. */
export function readline(): typeof import('node:readline') {
  return process.getBuiltinModule('node:readline')
}

/** node:worker_threads. */
export function workerThreads(): typeof import('node:worker_threads') {
  return process.getBuiltinModule('node:worker_threads')
}

/** node:perf_hooks; the global of Bun and of Deno has less before this was loaded. */
export function perfHooks(): typeof import('node:perf_hooks') {
  return process.getBuiltinModule('node:perf_hooks')
}

function loadPolyfill(): typeof import('@js-temporal/polyfill') {
  return bundled() ? require('@js-temporal/polyfill') : requireHere()('@js-temporal/polyfill')
}

// Importing node:module would cost a start what this costs only those who need it.
function requireHere(): NodeJS.Require {
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)
}

// `node --eval` has a global one, which looks where the shell stands instead of beside us.
function bundled(): boolean {
  return typeof require === 'function' && require !== Reflect.get(globalThis, 'require')
}

let loadedTemporal: typeof Temporal | undefined
