// The words between the process that serves all shards and whoever started it, a line of JSON each. Pure.

/** To the host: a shard begins, on the pipes of a child of the daemon or on a socket; or no more will. */
export type Order = ShardOrder | { readonly over: true }

/** A shard to be served. */
export type ShardOrder = {
  /** What this lease of the shard is called in what the host says of it. */
  readonly id: number
  readonly shard: string
} & ({ readonly pid: number } | { readonly socket: string })

/** From the host: it takes shards now; or a handler failed, or could not be given its shard. */
export type News = { readonly ready: number } | { readonly failed: number; readonly error: string }

/** A message as it travels. */
export function format(message: Order | News): string {
  return `${JSON.stringify(message)}\n`
}

/** Reads a line that the host wrote; null for what is none of its words. */
export function readNews(line: string): News | null {
  try {
    const news = JSON.parse(line) as Partial<Record<'ready' | 'failed' | 'error', unknown>>
    if (typeof news.ready === 'number') return { ready: news.ready }
    if (typeof news.failed === 'number') return { failed: news.failed, error: String(news.error) }
  } catch {
    // Not JSON.
  }
  return null
}
