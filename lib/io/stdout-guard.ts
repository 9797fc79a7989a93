// Keeps what is printed out of the protocol: while a guard lives, console output and `process.stdout.write`
// go to stderr. Writes straight to descriptor 1, from native code or child processes, are beyond its reach.

import { Console } from 'node:console'
import { nextTick } from '../timers.ts'
import { toStderr } from './stderr.ts'

export interface StdoutGuard {
  /** Puts `process.stdout` back as it was, unless somebody has patched it since; their patch then stays. */
  release(): void
}

/** Sends what is written to `process.stdout` to stderr until released. Several guards may live at once. */
export function guardStdout(): StdoutGuard {
  // Ours may lie under a patch that came after it, or the whole stream may have been replaced.
  if (!installed?.onTop()) installed = install(process.stdout)
  const installation = installed
  let released = false
  installation.guards++
  return {
    release() {
      if (released) return
      released = true
      if (--installation.guards === 0) installation.remove()
    },
  }
}

interface Installation {
  guards: number
  onTop(): boolean
  remove(): void
}

let installed: Installation | undefined

type Done = (error?: Error | null) => void
type Method = (...args: never[]) => unknown
type Arguments = [chunk?: string | Uint8Array | Done, encoding?: BufferEncoding | Done, done?: Done]

function install(stdout: NodeJS.WriteStream): Installation {
  const redirect = (...[chunk, encoding, done]: Arguments): boolean => {
    if (typeof encoding === 'function') return toStderr(chunk as string, undefined, encoding)
    const free = toStderr(chunk as string, encoding, done) || process.stderr.destroyed
    // Whoever pipes into stdout waits for its `drain`.
    if (!free) process.stderr.once('drain', () => stdout.emit('drain'))
    return free
  }
  // Nothing is ended: the descriptor is the protocol's.
  const end = (...args: Arguments): NodeJS.WriteStream => {
    const done = args.find((argument) => typeof argument === 'function')
    const [chunk, encoding] = args
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') {
      redirect(chunk, typeof encoding === 'function' ? undefined : encoding, done)
    } else if (done) nextTick(done)
    return stdout
  }
  const installation = { guards: 0 }
  const active = (): boolean => installation.guards > 0
  const patches = [patch(stdout, 'write', redirect, active), patch(stdout, 'end', end, active)]
  for (const [name, method] of consoleMethods()) patches.push(patch(console, name, method, active))
  return Object.assign(installation, {
    onTop: () => process.stdout === stdout && patches.every((one) => one.onTop()),
    remove: () => {
      for (const one of patches) one.remove()
    },
  })
}

// Node's console prints through process.stdout. That of Bun and of Deno goes straight to the descriptor.
function consoleMethods(): [name: string, method: Method][] {
  if (!process.versions.bun && !process.versions.deno) return []
  const onStderr = Object.entries(new Console({ stdout: process.stderr, stderr: process.stderr }))
  const methods = onStderr.filter(([name, method]) => typeof method === 'function' && name in console)
  // Bun's own, which takes its pieces one by one.
  const write = (...chunks: (string | Uint8Array)[]): void => {
    for (const chunk of chunks) toStderr(chunk)
  }
  return 'write' in console ? [...methods, ['write', write]] : methods
}

function patch(
  target: object,
  name: string,
  redirect: Method,
  active: () => boolean,
): { onTop(): boolean; remove(): void } {
  const before = Object.getOwnPropertyDescriptor(target, name)
  const original = Reflect.get(target, name) as Method
  // Once released, it may still be called by a patch on top of it.
  const patched = (...args: never[]): unknown =>
    active() ? redirect(...args) : Reflect.apply(original, target, args)
  Object.defineProperty(target, name, {
    value: patched,
    writable: true,
    enumerable: true,
    configurable: true,
  })
  const onTop = (): boolean => Reflect.get(target, name) === patched
  return {
    onTop,
    remove() {
      if (!onTop()) return
      if (before) Object.defineProperty(target, name, before)
      else Reflect.deleteProperty(target, name)
    },
  }
}
