// The handlers at work: never more than `concurrency` started, the records of one key one after the other in their
// order, nothing made ahead of time. What is finished is told to the line, and checkpoints follow its watermark. When a
// handler fails for good, nothing new starts; those at work are told by the signal, and awaited.

import type { Position } from '../protocol/messages.ts'
import type { KinesisRecord } from '../record.ts'
import type { BatchOwner, RecordBatch, RecordHandler } from './batch.ts'
import { Ending } from './ending.ts'
import { Failures } from './failures.ts'
import type { Handlers } from './handler.ts'
import { Job, Lanes } from './lanes.ts'
import { isThenable, type Work } from './work.ts'

/** Runs the handlers of one forEach. */
export class Crew implements Handlers {
  readonly #owner: BatchOwner
  readonly #work: Work
  readonly #ending: Ending
  readonly #lanes: Lanes
  readonly #failures: Failures
  #batch: RecordBatch | null = null
  // The next record of the batch to be taken.
  #cursor = 0
  // In the order of their starts; those that never wait are over before anybody could ask.
  readonly #atWork = new Set<Job>()
  #running = 0
  #started = 0
  #filling = false
  #turning = false
  // Asks whether what is waited for has come.
  #look: (() => void) | null = null

  /** `onStop` is told when a handler has failed for good. */
  constructor(owner: BatchOwner, work: Work, onStop: () => void = () => {}) {
    this.#owner = owner
    this.#work = work
    this.#lanes = new Lanes(work)
    this.#ending = new Ending(owner, {
      quit: () => this.#failures.endWaits(),
      stop: onStop,
      wake: () => this.#step(),
    })
    this.#failures = new Failures(owner, work, this.#ending, {
      hold: (job) => this.#hold(job),
      release: (job) => this.#release(job),
      again: (job) => this.#lanes.ready(job),
      done: (job) => this.#done(job, undefined),
      step: () => this.#step(),
    })
  }

  /**
   * Takes the records of a batch on that are not finished. Null when the next batch may come at once, else a promise of
   * that: when all are handled, or with `overlaps` when all are taken and hands are free. Throws what failed for good.
   */
  handle(batch: RecordBatch): Promise<void> | null {
    this.#batch = batch
    this.#owner.handlers = this
    this.#cursor = this.#work.overlaps
      ? batch.window.from
      : Math.max(batch.window.from, this.#owner.checkpointing.line.watermark)
    if (this.#lanes.holding) this.#plan(batch, null)
    const { overlaps, concurrency } = this.#work
    const mayTakeMore = (): boolean => overlaps && this.#running < concurrency && this.#lanes.empty
    return this.#until(() => this.#taken && (this.#idle || mayTakeMore()))
  }

  /** Resolves when everything that was taken on is handled. Rejects with what failed for good. */
  async settled(): Promise<void> {
    await this.#until(() => this.#taken && this.#idle)
  }

  /** Starts nothing new, and resolves when nothing is at work any more. */
  async stopped(reason: unknown): Promise<void> {
    this.#ending.quit(reason)
    try {
      await this.#until(() => this.#idle)
    } catch {
      // It has gone up already.
    }
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
    return this.#running === 0 && (this.#ending.over || (this.#lanes.empty && !this.#failures.waiting))
  }

  #until(done: () => boolean): Promise<void> | null {
    this.#fill()
    if (!done()) return this.#wait(done)
    this.#finished()
    return null
  }

  async #wait(done: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#look = () => done() && resolve()
    })
    this.#look = null
    this.#finished()
  }

  #finished(): void {
    if (this.#idle) {
      this.#owner.handlers = null
      // Its records would be in the way of those that come next.
      this.#batch = null
    }
    this.#ending.check()
  }

  // Starts what may start: what waits in the lanes, then the records of the batch, whose first job plans the rest of them.
  #fill(): void {
    if (this.#filling || this.#turning) return
    this.#filling = true
    try {
      this.#startJobs()
      if (this.#batch !== null) this.#startRecords(this.#batch)
      this.#startJobs()
    } catch (error) {
      this.#ending.stop(error)
    }
    this.#filling = false
  }

  #startJobs(): void {
    const { line } = this.#owner.checkpointing
    while (!this.#lanes.empty && this.#mayStart(this.#batch)) {
      const job = this.#lanes.next()
      if (job === null) return
      if (line.isFinished(job.number)) this.#lanes.done(job)
      else this.#start(job)
    }
  }

  #start(job: Job): void {
    let answer: unknown
    try {
      answer = this.#handlerOf(job.tries)(job.record, job.batch, this.#ending.context)
      if (isThenable(answer)) {
        this.#await(job, answer)
        return
      }
    } catch (error) {
      this.#failures.failed(job, error)
      return
    }
    this.#done(job, answer)
  }

  // Handlers that neither wait nor fail are over before their call returns. Such a record never becomes a job, and little
  // more is done for it than the call: this loop is what the time goes by.
  #startRecords(batch: RecordBatch): void {
    const owner = this.#owner
    const handler = this.#handlerOf(1)
    const { context } = this.#ending
    const { window } = batch
    const { line } = owner.checkpointing
    while (this.#cursor < window.to && this.#mayStart(batch)) {
      const number = this.#cursor
      this.#cursor += 1
      const record = window.records[number - window.from]
      if (record === undefined || line.isFinished(number)) continue
      let answer: unknown
      try {
        answer = handler(record, batch, context)
        if (isThenable(answer)) {
          this.#await(this.#begun(number, record, batch), answer)
          continue
        }
      } catch (error) {
        this.#failures.failed(this.#begun(number, record, batch), error)
        continue
      }
      if (answer === true) owner.checkpointing.request(number)
      owner.finish(number)
    }
  }

  // Asked before each start. Throws what the session failed with.
  #mayStart(batch: RecordBatch | null): boolean {
    this.#started += 1
    if (this.#started % STARTS_PER_LOOK === 0) this.#turn()
    if (this.#running >= this.#work.concurrency || this.#ending.over || this.#turning) return false
    if (batch === null || batch.goesOn()) return true
    this.#ending.quit()
    return false
  }

  // Lets the event loop turn before anything starts, where that is due.
  #turn(): void {
    const turn = this.#owner.turns.due()
    if (turn === null) return
    this.#turning = true
    void turn.then(() => {
      this.#turning = false
      this.#step()
    })
  }

  #handlerOf(tries: number): RecordHandler {
    const { telemetry } = this.#owner
    const { handler } = this.#work
    if (!telemetry.tracesRecords) return handler
    return (record, batch, context) => telemetry.record(record, tries, () => handler(record, batch, context))
  }

  #await(job: Job, answer: PromiseLike<unknown>): void {
    this.#hold(job)
    Promise.resolve(answer).then(
      (value) => {
        this.#release(job)
        this.#done(job, value)
        this.#step()
      },
      (error: unknown) => {
        this.#release(job)
        this.#failures.failed(job, error)
        this.#step()
      },
    )
  }

  // The job of a record that is at work. From here on it is the lanes that say which record of the batch is the next.
  #begun(number: number, record: KinesisRecord, batch: RecordBatch): Job {
    const job = new Job(number, record, batch)
    job.tries = 1
    if (this.#work.keyOf !== null) this.#plan(batch, job)
    return job
  }

  #plan(batch: RecordBatch, begun: Job | null): void {
    const from = this.#cursor
    this.#cursor = batch.window.to
    try {
      this.#lanes.plan(batch, from, begun, this.#owner.checkpointing.line)
    } catch (error) {
      this.#ending.stop(error)
    }
  }

  #hold(job: Job): void {
    this.#running += 1
    this.#atWork.add(job)
  }

  #release(job: Job): void {
    this.#running -= 1
    this.#atWork.delete(job)
  }

  #step(): void {
    this.#fill()
    this.#look?.()
  }

  #done(job: Job, answer: unknown): void {
    this.#finish(job.number, answer)
    this.#lanes.done(job)
  }

  #finish(number: number, answer: unknown): void {
    try {
      if (answer === true) this.#owner.checkpointing.request(number)
      this.#owner.finish(number)
    } catch (error) {
      this.#ending.stop(error)
    }
  }
}

const STARTS_PER_LOOK = 16 // Looking at the clock costs more than some handlers do.
