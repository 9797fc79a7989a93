// How the work of a forEach comes to its end before its time: a handler has failed for good, the lease is lost, or the
// session has failed. Nothing new starts then, the signal aborts, and what fails after that counts or does not.

import type { Position } from '../protocol/messages.ts'
import type { BatchOwner } from './batch.ts'
import type { HandlerContext } from './handler.ts'
import { LazySignal } from './signal.ts'
import { withPosition } from './work.ts'

/** What is told of an end. */
export interface EndingEvents {
  /** Nothing new may start. */
  quit(): void
  /** A handler has failed for good. */
  stop(): void
  /** It came from outside: somebody may wait for it. */
  wake(): void
}

/** Whether and why the work is over. */
export class Ending {
  /** What handlers are given. */
  readonly context: HandlerContext
  readonly #owner: BatchOwner
  readonly #events: EndingEvents
  readonly #signal = new LazySignal()
  readonly #errors: unknown[] = []
  #linked = false
  #over = false

  constructor(owner: BatchOwner, events: EndingEvents) {
    this.#owner = owner
    this.#events = events
    const signal = (): AbortSignal => {
      this.follow()
      return this.#signal.signal
    }
    this.context = {
      get signal() {
        return signal()
      },
    }
  }

  get over(): boolean {
    return this.#over
  }

  /** Throws what failed for good: an AggregateError where that is more than one. */
  check(): void {
    if (this.#errors.length === 0) return
    if (this.#errors.length === 1) throw this.#errors[0]
    const texts = this.#errors.map((error) => (error instanceof Error ? error.message : String(error)))
    throw new AggregateError(this.#errors, `${texts.length} handlers failed: ${texts.join('; ')}`)
  }

  /** Whether a failure comes too late to matter: the lease is lost, or another one has ended the work already. */
  isTooLate(error: unknown, position: Position): boolean {
    const heeded =
      this.#signal.aborted && (error === this.#signal.signal.reason || nameOf(error) === 'AbortError')
    try {
      if (this.#owner.handsOut()) {
        if (!this.#over) return false
        if (!heeded) this.#errors.push(withPosition(error, position))
      } else {
        this.#owner.log.warn('A handler failed after the lease was lost, which is no longer our concern', {
          error,
        })
        this.quit()
      }
    } catch (failure) {
      this.stop(failure)
    }
    return true
  }

  /** Something has failed for good. */
  stop(error: unknown): void {
    if (!this.#over || this.#errors.length > 0) this.#errors.push(error)
    this.quit(error)
    this.#events.stop()
  }

  /** Nothing new starts. */
  quit(reason?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#signal.abort(() =>
      reason instanceof Error ? reason : new DOMException('The work is over.', 'AbortError'),
    )
    this.#events.quit()
  }

  /** Follows the signal of the session, which most work never has to look at. */
  follow(): void {
    if (this.#linked) return
    this.#linked = true
    const { signal } = this.#owner
    const ended = (): void => {
      this.quit(signal.reason)
      this.#events.wake()
    }
    if (signal.aborted) ended()
    else signal.addEventListener('abort', ended, { once: true })
  }
}

function nameOf(error: unknown): unknown {
  return (error as Error | null | undefined)?.name
}
