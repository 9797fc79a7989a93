// An AbortSignal that is made when somebody asks for it: most batches come and go without one.

import { setMaxListeners } from 'node:events'

/** A signal to be, which remembers what it was aborted with. The first reason counts. */
export class LazySignal {
  #controller: AbortController | null = null
  #reason: (() => unknown) | null = null

  get aborted(): boolean {
    return this.#reason !== null
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = openController()
      if (this.#reason !== null) this.#controller.abort(this.#reason())
    }
    return this.#controller.signal
  }

  abort(reason: () => unknown): void {
    if (this.#reason !== null) return
    this.#reason = reason
    this.#controller?.abort(reason())
  }
}

// People hand a signal to every fetch: many listeners are no leak. Under jsdom it is not Node's own, and has no limit.
function openController(): AbortController {
  const controller = new AbortController()
  try {
    setMaxListeners(0, controller.signal)
  } catch {
    // ERR_INVALID_ARG_TYPE: not an EventTarget of Node's.
  }
  return controller
}
