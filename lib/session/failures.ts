// What becomes of a record whose handler has failed: another try after a while, what onError says, or the end of the work.

import { formatPosition } from '../checkpoint/position.ts'
import { retryDelay } from '../checkpoint/retry.ts'
import type { BatchOwner } from './batch.ts'
import type { Ending } from './ending.ts'
import type { Job } from './lanes.ts'
import { decide, type Work, withPosition } from './work.ts'

/** What is done about failures, by those who run the handlers. */
export interface FailurePort {
  /** The job takes up a hand, until it is released. */
  hold(job: Job): void
  release(job: Job): void
  /** The job may have its next try. */
  again(job: Job): void
  /** The job is done without its handler. */
  done(job: Job): void
  /** Hands may be free, or the work over. */
  step(): void
}

/** The failed records of one forEach. */
export class Failures {
  readonly #owner: BatchOwner
  readonly #work: Work
  readonly #ending: Ending
  readonly #port: FailurePort
  readonly #waits = new Set<() => void>()

  constructor(owner: BatchOwner, work: Work, ending: Ending, port: FailurePort) {
    this.#owner = owner
    this.#work = work
    this.#ending = ending
    this.#port = port
  }

  /** Whether a record waits for its next try. */
  get waiting(): boolean {
    return this.#waits.size > 0
  }

  /** No further tries. */
  endWaits(): void {
    for (const end of this.#waits) end()
  }

  /** A try has failed. */
  failed(job: Job, error: unknown): void {
    if (this.#ending.isTooLate(error, job.record)) return
    const { schedule } = this.#work
    if (job.tries < schedule.attempts) {
      this.#wait(job, retryDelay(schedule, job.tries, Math.random))
      return
    }
    this.#port.hold(job)
    decide(this.#work, error, job.record, job.tries).then(
      (decision) => this.#after(job, () => this.#decided(job, error, decision)),
      (second: unknown) =>
        this.#after(job, () => this.#ending.isTooLate(second, job.record) || this.#give(job, second)),
    )
  }

  #after(job: Job, settle: () => void): void {
    this.#port.release(job)
    settle()
    this.#port.step()
  }

  #decided(job: Job, error: unknown, decision: 'retry' | 'skip' | 'stop'): void {
    if (decision === 'skip') {
      this.#owner.skipped(1)
      this.#owner.log.warn(
        `The record at ${formatPosition(job.record)} was skipped after its handler failed`,
        { error },
      )
      this.#port.done(job)
    } else if (!this.#ending.isTooLate(error, job.record)) {
      if (decision === 'retry') this.#wait(job, this.#work.schedule.maxDelay)
      else this.#give(job, error)
    }
  }

  // The record keeps its key from going on; with a concurrency of 1 it keeps everything, which is then one line.
  #wait(job: Job, delay: number): void {
    this.#ending.follow()
    const serial = this.#work.concurrency === 1
    if (serial) this.#port.hold(job)
    const end = (): void => {
      cancel()
      this.#waits.delete(end)
      if (serial) this.#port.release(job)
    }
    const cancel = this.#owner.clock.after(delay, () => {
      end()
      this.#port.again(job)
      this.#port.step()
    })
    this.#waits.add(end)
  }

  #give(job: Job, error: unknown): void {
    this.#ending.stop(withPosition(error, job.record))
  }
}
