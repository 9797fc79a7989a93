// Whether this process serves all shards of a worker: then the daemon speaks on no pipe of its own, and each shard
// brings its streams along.

import { UsageError } from '../errors.ts'

/** What whoever started this process told it. */
export interface HostPlace {
  /** Where shards are told of, in both directions. */
  readonly descriptor: number
  /** Stands in front of each line that is printed, before the shard of whoever printed it; nobody can guess it. */
  readonly mark: string
}

let taken = false
const streams = new WeakMap<object, () => void>()

/** Whether this process was started to serve all shards. */
export function isHosted(): boolean {
  return taken || Boolean(process.env[HOST])
}

/** What this process was told, once: the variable is taken away, so that what it spawns does not take it for its own. */
export function takeHost(): HostPlace | null {
  const text = process.env[HOST]
  if (!text) return null
  const [, descriptor, pid, mark] = /^(\d+),(\d+),([\w#-]+)$/.exec(text) ?? []
  if (descriptor === undefined || mark === undefined) {
    throw new UsageError(
      `${HOST}: ${JSON.stringify(text)} is nothing that kcl-session sets. Unset it, or start the program with --shared.`,
    )
  }
  if (pid !== String(process.pid)) {
    throw new UsageError(
      `eachShard(): shards are told to process ${pid}, and this is process ${process.pid}, which another program started in between (npm, npx, tsx, a watcher). Start node itself, for TypeScript with node --import tsx consumer.ts.`,
    )
  }
  delete process.env[HOST]
  taken = true
  return { descriptor: Number(descriptor), mark }
}

/**
 * A session on this input is one of a host's: it reports as one on the process's own pipes does, and says when it has
 * acknowledged what it was given.
 */
export function hostStream(input: object, acknowledged: () => void): void {
  streams.set(input, acknowledged)
}

/** What a session on this input is to call; undefined where it is no host's. */
export function hostOf(input: object): (() => void) | undefined {
  return streams.get(input)
}

/** The variable that says so. */
export const HOST = 'KCL_SESSION_HOST'
