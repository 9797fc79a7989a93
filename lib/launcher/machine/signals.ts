// The signals that a command takes, from before anything slow begins: as the first process of a container, Node
// ignores SIGTERM until somebody listens. Before there is anything to stop, a signal ends the command at once; then
// the first one stops in good order, and a second one at once. SIGQUIT goes to Java, which prints its threads.
// What npm starts also takes the end of its parent for a SIGTERM: npm and its shell may be stopped without us.

import { clearInterval, clearTimeout, now, setInterval, setTimeout } from '../../timers.ts'

/** Something that can be stopped. */
export interface Stoppable {
  stop(): void
  kill(): void
  dumpThreads?(): void
}

/** A signal that stops. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** Thrown where a signal came before there was anything to stop. */
export class StoppedEarly extends Error {
  readonly exitCode: number

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`)
    this.exitCode = 128 + NUMBERS[signal]
  }
}

/** What a command may want to know of signals. */
export interface SignalOptions {
  /** Is told when a signal begins a stop in good order. */
  readonly onStop?: (signal: StopSignal) => void
  /** Milliseconds, monotonic. */
  readonly now?: () => number
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Listens from its construction to `forget()`. */
export class StopSignals {
  readonly #options: SignalOptions
  readonly #now: () => number
  readonly #abort = new AbortController()
  readonly #listener = (signal: NodeJS.Signals): void => this.take(signal as StopSignal)
  readonly #onQuit = (): void => this.#target?.dumpThreads?.()
  readonly #parent: NodeJS.Timeout | undefined
  #target: Stoppable | undefined
  #stopped: StopSignal | undefined
  #stoppedAt = 0

  constructor(options: SignalOptions = {}) {
    this.#options = options
    this.#now = options.now ?? now
    for (const signal of STOPPING) process.on(signal, this.#listener)
    if (process.platform !== 'win32') process.on('SIGQUIT', this.#onQuit)
    this.#parent = watchParent(options.environment ?? process.env, () => {
      if (this.#stopped === undefined) this.take('SIGTERM')
    })
  }

  /** Aborts when a signal comes before there is anything to stop; the reason is a StoppedEarly. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The first signal, if one came. */
  get stopped(): StopSignal | undefined {
    return this.#stopped
  }

  /** The shell's exit code for the first signal; undefined where none came. */
  get exitCode(): number | undefined {
    return this.#stopped === undefined ? undefined : 128 + NUMBERS[this.#stopped]
  }

  /** Throws StoppedEarly if a signal has come. */
  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw new StoppedEarly(this.#stopped)
  }

  /** Directs signals to `target` while `work` goes on. */
  async during<T>(target: Stoppable, work: () => Promise<T>): Promise<T> {
    this.#target = target
    try {
      return await work()
    } finally {
      this.#target = undefined
    }
  }

  /** Waits, unless a signal comes: then it throws StoppedEarly. */
  async pause(delay: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#abort.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, delay)
      this.#abort.signal.addEventListener('abort', done)
    })
    this.throwIfStopped()
  }

  /** Gives the signals back. */
  forget(): void {
    for (const signal of STOPPING) process.off(signal, this.#listener)
    process.off('SIGQUIT', this.#onQuit)
    if (this.#parent !== undefined) clearInterval(this.#parent)
  }

  /** Takes a signal, as if it had been sent. */
  take(signal: StopSignal): void {
    const at = this.#now()
    const first = this.#stopped === undefined
    if (first) [this.#stopped, this.#stoppedAt] = [signal, at]
    if (this.#target === undefined) this.#abort.abort(new StoppedEarly(signal))
    else if (first) {
      this.#options.onStop?.(signal)
      this.#target.stop()
    } else if (at - this.#stoppedAt >= INSISTENCE) this.#target.kill()
  }
}

/**
 * Runs a command that may be stopped at any time. Resolves to the shell's exit code where a signal ended it before
 * there was anything to stop in good order.
 */
export async function withSignals(
  options: SignalOptions,
  work: (signals: StopSignals) => Promise<number>,
): Promise<number> {
  const signals = new StopSignals(options)
  try {
    return await work(signals)
  } catch (error) {
    const { reason } = signals.signal
    if (reason instanceof StoppedEarly) return reason.exitCode
    throw error
  } finally {
    signals.forget()
  }
}

function watchParent(
  environment: Readonly<Record<string, string | undefined>>,
  onGone: () => void,
): NodeJS.Timeout | undefined {
  if (!environment.npm_command && !environment.npm_lifecycle_event) return undefined
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid !== parent) onGone()
  }, LOOK)
  timer.unref()
  return timer
}

const STOPPING: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
const NUMBERS: Readonly<Record<StopSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }
// Programs such as timeout send a signal to the child and again to its group; a person takes longer than that.
const INSISTENCE = 1000
const LOOK = 500
