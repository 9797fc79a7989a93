// The account of every record: how often it was delivered, whether it was acknowledged and checkpointed, and whether
// any promise of the stream was broken on the way. Kept apart from what delivers, so that it can contradict it.
// Two bytes a record; the order of keys is watched only where it is asked for, since it costs memory for each key.

import { Column } from '../stream/column.ts'

/** What the account comes to. The last three must be zero. */
export interface AccountTotals {
  readonly records: number
  readonly deliveredOnce: number
  readonly deliveredAgain: number
  /** The largest number of deliveries of one record. */
  readonly mostDeliveries: number
  readonly acknowledged: number
  readonly checkpointed: number
  /** Not delivered, or neither acknowledged nor checkpointed, though the run says that it is through with them. */
  readonly lost: number
  /** Delivered for the first time after a later record of the same key. */
  readonly outOfOrder: number
  /** Delivered although a stored checkpoint covered them. */
  readonly afterCheckpoint: number
}

/** Counts what happens to records; they are known by their numbers in the input. */
export class Account {
  readonly #deliveries = new Column((size) => new Uint8Array(size))
  readonly #marks = new Column((size) => new Uint8Array(size))
  readonly #lastOfKey: Map<string, number> | null
  #outOfOrder = 0
  #afterCheckpoint = 0

  constructor(options: { watchKeys: boolean }) {
    this.#lastOfKey = options.watchKeys ? new Map() : null
  }

  delivered(ordinal: number, partitionKey: string): void {
    this.#grow(ordinal)
    const before = this.#deliveries.at(ordinal)
    this.#deliveries.set(ordinal, Math.min(255, before + 1))
    if ((this.#marks.at(ordinal) & (CHECKPOINTED | DONE)) !== 0) this.#afterCheckpoint += 1
    if (before > 0 || this.#lastOfKey === null) return
    const last = this.#lastOfKey.get(partitionKey)
    if (last !== undefined && last > ordinal) this.#outOfOrder += 1
    else this.#lastOfKey.set(partitionKey, ordinal)
  }

  acknowledged(ordinal: number): void {
    this.#mark(ordinal, ACKNOWLEDGED)
  }

  checkpointed(ordinal: number): void {
    this.#mark(ordinal, CHECKPOINTED)
  }

  /** Dealt with by an earlier run: no part of this account. */
  done(ordinal: number): void {
    this.#mark(ordinal, DONE)
  }

  /** The sums over the first `records` of the input; `complete`: the run went through to the end. */
  totals(records: number, complete: boolean): AccountTotals {
    if (records > 0) this.#grow(records - 1)
    const sums = { records: 0, deliveredOnce: 0, deliveredAgain: 0, mostDeliveries: 0 }
    const marks = { acknowledged: 0, checkpointed: 0, lost: 0 }
    for (let ordinal = 0; ordinal < records; ordinal += 1) {
      const mark = this.#marks.at(ordinal)
      if ((mark & DONE) !== 0) continue
      const deliveries = this.#deliveries.at(ordinal)
      sums.records += 1
      if (deliveries === 1) sums.deliveredOnce += 1
      if (deliveries > 1) sums.deliveredAgain += 1
      sums.mostDeliveries = Math.max(sums.mostDeliveries, deliveries)
      if ((mark & ACKNOWLEDGED) !== 0) marks.acknowledged += 1
      if ((mark & CHECKPOINTED) !== 0) marks.checkpointed += 1
      if (deliveries === 0 ? complete || mark !== 0 : complete && mark === 0) marks.lost += 1
    }
    return { ...sums, ...marks, outOfOrder: this.#outOfOrder, afterCheckpoint: this.#afterCheckpoint }
  }

  #mark(ordinal: number, mark: number): void {
    this.#grow(ordinal)
    this.#marks.set(ordinal, this.#marks.at(ordinal) | mark)
  }

  #grow(ordinal: number): void {
    while (this.#marks.length <= ordinal) {
      this.#marks.push(0)
      this.#deliveries.push(0)
    }
  }
}

const ACKNOWLEDGED = 1
const CHECKPOINTED = 2
const DONE = 4
