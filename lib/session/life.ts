// The life of a session: open, until it ends with its input or fails with the first error. The lease may be lost on the
// way; the signal tells of that and of a failure.

import { inspect } from 'node:util'
import { ChannelClosedError, KclError, LeaseLostError, UsageError } from '../errors.ts'
import { comesAgain, type Left } from './abandonment.ts'
import { LazySignal } from './signal.ts'

/** How a session stands. */
export class Life {
  #state: 'open' | 'ended' | 'failed' = 'open'
  #failure: unknown
  #lost = false
  readonly #signal = new LazySignal()

  get state(): 'open' | 'ended' | 'failed' {
    return this.#state
  }

  /** What the session failed with. */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether the lease is another worker's. */
  get lost(): boolean {
    return this.#lost
  }

  get signal(): AbortSignal {
    return this.#signal.signal
  }

  end(): void {
    this.#state = 'ended'
  }

  /** Fails with an error; answers the reason for the signals. */
  fail(error: unknown): KclError {
    this.#state = 'failed'
    this.#failure = error
    const reason =
      error instanceof KclError
        ? error
        : new UsageError(`The session failed: ${show(error)}`, { cause: error })
    this.#signal.abort(() => reason)
    return reason
  }

  /** Loses the lease; answers the reason for the signals. */
  lose(why: string): KclError {
    this.#lost = true
    const reason = new LeaseLostError(
      `${why}. Stop work on this shard: another worker goes on from the last checkpoint.`,
    )
    this.#signal.abort(() => reason)
    return reason
  }
}

/** The daemon is gone, and something is in hand. */
export function inputEndedError(
  { action, unfinished, skipped }: Left,
  cause: Error | null,
): ChannelClosedError {
  const where =
    action === null
      ? `with ${unfinished} unfinished records in hand. They were`
      : `in the middle of ${action}. It was`
  const text = `The daemon closed the pipe ${where} not acknowledged, and ${comesAgain(skipped)}.`
  return new ChannelClosedError(text, cause === null ? undefined : { cause })
}

/** The daemon did not read what was said to it. */
export function outputFailedError({ skipped }: Left, cause: Error): ChannelClosedError {
  const text = `The daemon closed its end of the pipe before it had our last answer. What it did not read is not acknowledged, and ${comesAgain(skipped)}.`
  return new ChannelClosedError(text, { cause })
}

// Anything can be thrown, even what has no text.
function show(error: unknown): string {
  try {
    return error instanceof Error ? String(error) : inspect(error)
  } catch {
    return 'an error whose text cannot be told'
  }
}
