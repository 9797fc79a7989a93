// Who may start: records of one key, one after the other in their order; of those that are free, the first to be so.

import type { KinesisRecord } from '../record.ts'
import type { RecordBatch } from './batch.ts'
import { NO_KEY } from './work.ts'

/** One record on its way through a handler. */
export interface Job {
  readonly number: number
  readonly record: KinesisRecord
  readonly batch: RecordBatch
  readonly key: unknown
  tries: number
}

/** The keys whose records are at work, and what waits behind them. */
export class Lanes {
  readonly #lanes = new Map<unknown, Job[]>()
  readonly #ready: Job[] = []

  /** Whether nothing that was let through waits to be started. */
  get empty(): boolean {
    return this.#ready.length === 0
  }

  /** Whether the job may start now; else it waits in its lane. */
  admits(job: Job): boolean {
    if (job.key === NO_KEY) return true
    const lane = this.#lanes.get(job.key)
    lane?.push(job)
    return lane === undefined
  }

  /** The job holds its key back from here on. */
  hold({ key }: Job): void {
    if (key !== NO_KEY && !this.#lanes.has(key)) this.#lanes.set(key, [])
  }

  /** The job is done: the next of its key may start. */
  free({ key }: Job): void {
    if (key === NO_KEY) return
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    const next = lane.shift()
    if (next === undefined) this.#lanes.delete(key)
    else this.#ready.push(next)
  }

  /** The job may start again. */
  ready(job: Job): void {
    this.#ready.push(job)
  }

  next(): Job | null {
    return this.#ready.shift() ?? null
  }
}
