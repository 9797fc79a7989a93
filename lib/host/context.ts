// Which shard is at work: carried along by Node through everything that a handler calls and awaits.

import { AsyncLocalStorage } from 'node:async_hooks'
import { inspect } from 'node:util'
import { notice } from '../io/stderr.ts'

const shards = new AsyncLocalStorage<string>()

/** Runs a task in the name of a shard. */
export function inShard<T>(shardId: string, task: () => T): T {
  return shards.run(shardId, task)
}

/** Tells of which shard each line is that is printed from now on, for whoever reads stdout and stderr. */
export function markLines(mark: string): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean
    let fresh = true
    const marked = (chunk: unknown, ...rest: unknown[]): boolean => {
      const shardId = shards.getStore()
      const isText = typeof chunk === 'string'
      // Bytes are taken one by one, and given back as they were.
      const text = isText ? chunk : Buffer.from(chunk as Uint8Array).toString('latin1')
      const head = shardId === undefined ? '' : `${mark}${shardId} `
      const lines = text.split('\n')
      const marks = lines.map((line, at) => {
        const begins = at > 0 || fresh
        return begins && (line !== '' || at < lines.length - 1) ? head + line : line
      })
      fresh = text === '' ? fresh : text.endsWith('\n')
      const all = marks.join('\n')
      return write(isText ? all : Buffer.from(all, 'latin1'), ...rest)
    }
    Object.defineProperty(stream, 'write', { value: marked, writable: true, configurable: true })
  }
}

/** Says of a stray exception which shard was at work, where that is known; the process ends by it all the same. */
export function watchStrays(): () => void {
  const tell = (_error: unknown, origin: string): void => {
    const what =
      origin === 'unhandledRejection' ? 'a rejection that nobody handled' : 'an exception that nobody caught'
    const who = shards.getStore()
    notice(
      `kcl-session: ${who ?? 'unknown shard'}: ${what} ends this process, and with it all shards of the worker.`,
    )
  }
  process.on('uncaughtExceptionMonitor', tell)
  return () => void process.off('uncaughtExceptionMonitor', tell)
}

/** Whatever was thrown, in words. */
export function showError(error: unknown): string {
  try {
    return inspect(error)
  } catch {
    return 'an error that cannot be shown'
  }
}
