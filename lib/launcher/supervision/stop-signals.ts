// The signals that the launcher takes, from before anything slow begins: as the first process of a container,
// Node ignores SIGTERM until somebody listens. Before the daemon runs a signal ends the launcher at once; then
// the first one drains and a second one kills. SIGQUIT goes to Java, which prints its threads.

import { clearTimeout, setTimeout } from '../../timers.ts'

/** Something that can be stopped. */
export interface Stoppable {
  stop(): void
  kill(): void
  dumpThreads(): void
}

/** Thrown where a signal came before there was anything to stop. */
export class StoppedEarly extends Error {
  readonly exitCode: number

  constructor(signal: StopSignal) {
    super(`stopped by ${signal}`)
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** A signal that stops. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** Listens from its construction to `forget()`. */
export class StopSignals {
  readonly #abort = new AbortController()
  readonly #onStop = (signal: NodeJS.Signals): void => this.#stop(signal as StopSignal)
  readonly #onQuit = (): void => this.#target?.dumpThreads()
  #target: Stoppable | undefined
  #stopped: StopSignal | undefined
  #onDrain: ((signal: StopSignal) => void) | undefined

  /** `onDrain` is told when a signal begins a drain. */
  constructor(onDrain?: (signal: StopSignal) => void) {
    this.#onDrain = onDrain
    for (const signal of STOPPING) process.on(signal, this.#onStop)
    process.on('SIGQUIT', this.#onQuit)
  }

  /** Aborts when a signal comes before there is anything to stop; the reason is a StoppedEarly. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The first signal, if one came. */
  get stopped(): StopSignal | undefined {
    return this.#stopped
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
      const timer = setTimeout(resolve, delay)
      this.#abort.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    this.throwIfStopped()
  }

  /** Gives the signals back. */
  forget(): void {
    for (const signal of STOPPING) process.off(signal, this.#onStop)
    process.off('SIGQUIT', this.#onQuit)
  }

  #stop(signal: StopSignal): void {
    const first = this.#stopped === undefined
    this.#stopped ??= signal
    if (this.#target === undefined) this.#abort.abort(new StoppedEarly(signal))
    else if (first) {
      this.#onDrain?.(signal)
      this.#target.stop()
    } else this.#target.kill()
  }
}

const STOPPING: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
