// Who may start: records of one key, one after the other in their order; of those that are free, the first of the batch,
// so that the watermark follows closely. With one exception: a key with so many records left that they take as long, one
// after the other, as all that is left, side by side, goes first. It would still be at work when all others are done.

import type { KinesisRecord } from '../record.ts'
import type { RecordBatch } from './batch.ts'
import type { RecordLine } from './records.ts'
import { type Work, withPosition } from './work.ts'

/** One record on its way through a handler. */
export class Job {
  readonly number: number
  readonly record: KinesisRecord
  readonly batch: RecordBatch
  tries = 0
  /** The next record of its key. */
  next: Job | null = null
  /** How many records its batch has of its key, from this one on. */
  rest = 1
  /** Whether those of its key before it are done. */
  free = true
  done = false

  constructor(number: number, record: KinesisRecord, batch: RecordBatch) {
    this.number = number
    this.record = record
    this.batch = batch
  }
}

/** The records of a batch that wait for their turn, and those of earlier ones that are not done. */
export class Lanes {
  readonly #hands: number
  readonly #keyOf: Work['keyOf']
  // Of each key the last; those that are done go with the next batch, or when all are.
  readonly #last = new Map<unknown, Job>()
  // How many are not done.
  #open = 0
  // Those of the newest batch, and the first of them that was never looked at.
  #jobs: readonly Job[] = []
  #cursor = 0
  // What is free, and goes before those never looked at.
  readonly #urgent: Job[] = []
  readonly #ready: Job[] = []
  // What is free, and will be urgent when so many are left for each hand.
  readonly #later = new Map<number, Job[]>()
  // How many were never started.
  #left = 0

  constructor({ concurrency, keyOf }: Work) {
    this.#hands = concurrency
    this.#keyOf = keyOf
  }

  /** Whether others may have to wait for a record that is not done. */
  get holding(): boolean {
    return this.#open > 0
  }

  /** Whether nothing waits to be started but what has to wait for another. */
  get empty(): boolean {
    return this.#urgent.length === 0 && this.#ready.length === 0 && this.#cursor >= this.#jobs.length
  }

  /**
   * Takes in the records of a batch from a number on, but what is finished, and in front of them one that has begun.
   * Throws what the function for keys does.
   */
  plan(batch: RecordBatch, from: number, begun: Job | null, line: RecordLine): void {
    for (const [key, job] of this.#last) if (job.done) this.#last.delete(key)
    const { window } = batch
    const jobs: Job[] = []
    if (begun !== null) this.#append(jobs, begun)
    for (let number = from; number < window.to; number += 1) {
      const record = window.records[number - window.from]
      if (record !== undefined && !line.isFinished(number)) this.#append(jobs, new Job(number, record, batch))
    }
    this.#jobs = jobs
    this.#cursor = 0
    this.#open += jobs.length
    this.#left += jobs.length - (begun === null ? 0 : 1)
    for (let index = jobs.length - 1; index >= 0; index -= 1) {
      const job = jobs[index]
      if (job?.next) job.rest += job.next.rest
    }
    for (const job of jobs) if (job.free && job.tries === 0) this.#rank(job)
  }

  /** Begins a try of the job whose turn it is; null where there is none. */
  next(): Job | null {
    const job = this.#urgent.shift() ?? this.#ready.shift() ?? this.#ahead()
    if (job === null) return null
    job.tries += 1
    if (job.tries === 1) this.#begun()
    return job
  }

  /** The job may start again. */
  ready(job: Job): void {
    this.#ready.push(job)
  }

  /** The job is done: the next of its key may start. */
  done(job: Job): void {
    if (this.#keyOf === null) return
    const { next } = job
    job.done = true
    this.#open -= 1
    if (this.#open === 0) this.#last.clear()
    if (next === null) return
    next.free = true
    const passed = next.number < (this.#jobs[this.#cursor]?.number ?? Number.POSITIVE_INFINITY)
    if (passed && !this.#isUrgent(next)) this.#ready.push(next)
    else this.#rank(next)
  }

  #append(jobs: Job[], job: Job): void {
    const key = this.#keyOfJob(job)
    const before = this.#last.get(key)
    if (before !== undefined) {
      before.next = job
      job.free = false
    }
    this.#last.set(key, job)
    jobs.push(job)
  }

  #keyOfJob({ record }: Job): unknown {
    try {
      return this.#keyOf?.(record)
    } catch (error) {
      throw withPosition(error, record)
    }
  }

  #begun(): void {
    this.#left -= 1
    const share = this.#left / this.#hands
    for (const job of this.#later.get(share) ?? []) if (job.tries === 0) this.#urgent.push(job)
    this.#later.delete(share)
  }

  #rank(job: Job): void {
    if (this.#isUrgent(job)) this.#urgent.push(job)
    else if (job.rest > 1) {
      const others = this.#later.get(job.rest)
      if (others === undefined) this.#later.set(job.rest, [job])
      else others.push(job)
    }
  }

  #isUrgent({ rest }: Job): boolean {
    return rest * this.#hands >= this.#left
  }

  #ahead(): Job | null {
    while (this.#cursor < this.#jobs.length) {
      const job = this.#jobs[this.#cursor]
      this.#cursor += 1
      if (job?.free && job.tries === 0) return job
    }
    // Not to be held while nothing comes.
    this.#jobs = []
    this.#cursor = 0
    return null
  }
}
