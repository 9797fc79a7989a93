// The handlers at work: never more than `concurrency` started, the records of one key one after the other in their
// order, nothing made ahead of time. What is finished is told to the line, and checkpoints follow its watermark. When a
// handler fails for good, nothing new starts; those at work are told by the signal, and awaited.

import { formatPosition } from '../checkpoint/position.ts'
import { retryDelay } from '../checkpoint/retry.ts'
import type { Position } from '../protocol/messages.ts'
import type { BatchOwner, RecordBatch } from './batch.ts'
import { Ending } from './ending.ts'
import type { Handlers } from './handler.ts'
import { type Job, Lanes } from './lanes.ts'
import { decide, isThenable, type Work, withPosition } from './work.ts'

/** Runs the handlers of one forEach. */
export class Crew implements Handlers {
  readonly #owner: BatchOwner
  readonly #work: Work
  readonly #ending: Ending
  readonly #lanes = new Lanes()
  readonly #waits = new Set<() => void>()
  #batch: RecordBatch | null = null
  // The next record of the batch to be taken.
  #cursor = 0
  // In the order of their starts; those that never wait are over before anybody could ask.
  readonly #atWork = new Set<Job>()
  #running = 0
  #started = 0
  #filling = false
  #turning = false
  #wake: (() => void) | null = null

  /** `onStop` is told when a handler has failed for good. */
  constructor(owner: BatchOwner, work: Work, onStop: () => void = () => {}) {
    this.#owner = owner
    this.#work = work
    this.#ending = new Ending(owner, {
      quit: () => {
        for (const end of this.#waits) end()
      },
      stop: onStop,
      wake: () => this.#step(),
    })
  }

  /**
   * Takes the records of a batch on that are not finished, and resolves when the next batch may come: when all are
   * handled, or with `overlaps` when all are taken and hands are free. Rejects with what failed for good.
   */
  async handle(batch: RecordBatch): Promise<void> {
    this.#batch = batch
    this.#owner.handlers = this
    this.#cursor = this.#work.overlaps
      ? batch.window.from
      : Math.max(batch.window.from, this.#owner.checkpointing.line.watermark)
    const { overlaps, concurrency } = this.#work
    const mayTakeMore = (): boolean => overlaps && this.#running < concurrency && this.#lanes.empty
    await this.#until(() => this.#taken && (this.#idle || mayTakeMore()))
  }

  /** Resolves when everything that was taken on is handled. Rejects with what failed for good. */
  settled(): Promise<void> {
    return this.#until(() => this.#taken && this.#idle)
  }

  /** Starts nothing new, and resolves when nothing is at work any more. */
  async stopped(reason: unknown): Promise<void> {
    this.#ending.quit(reason)
    await this.#until(() => this.#idle).catch(() => {})
  }

  get running(): number {
    return this.#running
  }

  get oldest(): Position | null {
    const [oldest] = this.#atWork
    return oldest?.record ?? null
  }

  get #taken(): boolean {
    return this.#ending.over || this.#batch === null || this.#cursor >= this.#batch.window.to
  }

  get #idle(): boolean {
    return this.#running === 0 && (this.#ending.over || (this.#lanes.empty && this.#waits.size === 0))
  }

  async #until(done: () => boolean): Promise<void> {
    this.#fill()
    while (!done()) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.#idle) this.#owner.handlers = null
    this.#ending.check()
  }

  // Starts what may start. Handlers that never wait are over before their call returns, so this is a loop.
  #fill(): void {
    if (this.#filling || this.#turning) return
    this.#filling = true
    const { turns } = this.#owner
    while (this.#running < this.#work.concurrency) {
      this.#started += 1
      const turn = this.#started % STARTS_PER_LOOK === 0 ? turns.due() : null
      if (turn !== null) {
        this.#turning = true
        void turn.then(() => {
          this.#turning = false
          this.#step()
        })
        break
      }
      const job = this.#next()
      if (job === null) break
      this.#attempt(job)
    }
    this.#filling = false
  }

  // The next record whose turn it is; null where there is none.
  #next(): Job | null {
    if (this.#ending.over || (this.#taken && this.#lanes.empty)) return null
    try {
      if (this.#batch !== null && !this.#batch.goesOn()) this.#ending.quit()
    } catch (error) {
      this.#ending.stop(error)
    }
    if (this.#ending.over) return null
    if (!this.#lanes.empty) return this.#lanes.next()
    const { line } = this.#owner.checkpointing
    for (const batch = this.#batch; batch !== null && this.#cursor < batch.window.to; ) {
      const number = this.#cursor
      this.#cursor += 1
      const record = batch.window.records[number - batch.window.from]
      if (record === undefined || line.isFinished(number)) continue
      const job = { number, record, batch, key: this.#work.keyOf(record), tries: 0 }
      if (this.#lanes.admits(job)) return job
    }
    return null
  }

  #attempt(job: Job): void {
    this.#running += 1
    job.tries += 1
    try {
      const answer = this.#call(job)
      if (!isThenable(answer)) {
        this.#done(job, answer)
        return
      }
      this.#lanes.hold(job)
      this.#atWork.add(job)
      answer.then(
        (value) => this.#after(job, () => this.#done(job, value)),
        (error: unknown) => this.#after(job, () => this.#failed(job, error)),
      )
    } catch (error) {
      this.#failed(job, error)
    }
  }

  #call({ record, batch, tries }: Job): unknown {
    const { telemetry } = this.#owner
    const { handler } = this.#work
    if (!telemetry.tracesRecords) return handler(record, batch, this.#ending.context)
    return telemetry.record(record, tries, () => handler(record, batch, this.#ending.context))
  }

  #after(job: Job, settle: () => void): void {
    this.#atWork.delete(job)
    settle()
    this.#step()
  }

  #step(): void {
    this.#fill()
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  #done(job: Job, answer: unknown): void {
    this.#running -= 1
    try {
      if (answer === true) this.#owner.checkpointing.request(job.number)
      this.#owner.finish(job.number)
    } catch (error) {
      this.#ending.stop(error)
    }
    this.#lanes.free(job)
  }

  #failed(job: Job, error: unknown): void {
    if (this.#isTooLate(job, error)) return
    if (job.tries < this.#work.schedule.attempts) {
      this.#wait(job, retryDelay(this.#work.schedule, job.tries, Math.random))
      return
    }
    this.#lanes.hold(job)
    this.#atWork.add(job)
    void decide(this.#work, error, job.record, job.tries).then(
      (decision) => this.#after(job, () => this.#decided(job, error, decision)),
      (second: unknown) => this.#after(job, () => this.#isTooLate(job, second) || this.#give(job, second)),
    )
  }

  #decided(job: Job, error: unknown, decision: 'retry' | 'skip' | 'stop'): void {
    if (decision === 'skip') {
      this.#owner.skipped(1)
      this.#owner.log.warn(
        `The record at ${formatPosition(job.record)} was skipped after its handler failed`,
        { error },
      )
      this.#done(job, undefined)
    } else if (!this.#isTooLate(job, error)) {
      if (decision === 'retry') this.#wait(job, this.#work.schedule.maxDelay)
      else this.#give(job, error)
    }
  }

  #isTooLate(job: Job, error: unknown): boolean {
    const late = this.#ending.isTooLate(error, job.record)
    if (late) this.#running -= 1
    return late
  }

  // The record keeps its key from going on; with a concurrency of 1 it keeps everything, which is then one line.
  #wait(job: Job, delay: number): void {
    this.#lanes.hold(job)
    this.#ending.follow()
    const serial = this.#work.concurrency === 1
    if (!serial) this.#running -= 1
    const end = (): void => {
      cancel()
      this.#waits.delete(end)
      if (serial) this.#running -= 1
    }
    const cancel = this.#owner.clock.after(delay, () => {
      end()
      this.#lanes.ready(job)
      this.#step()
    })
    this.#waits.add(end)
  }

  #give(job: Job, error: unknown): void {
    this.#running -= 1
    this.#ending.stop(withPosition(error, job.record))
  }
}

const STARTS_PER_LOOK = 16 // Looking at the clock costs more than some handlers do.
