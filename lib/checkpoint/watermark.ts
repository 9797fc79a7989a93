// The low watermark of one batch: how many of its records, counted from the first, are finished without a gap.
// Records may finish in any order; a checkpoint never passes the first one that has not.

/** Counts the finished records of a batch of `size`. Indexes count from 0. */
export class Watermark {
  readonly size: number
  #mark = 0
  readonly #ahead = new Set<number>()

  constructor(size: number) {
    this.size = size
  }

  /** The records before this index are finished. */
  get mark(): number {
    return this.#mark
  }

  get complete(): boolean {
    return this.#mark === this.size
  }

  isFinished(index: number): boolean {
    return index < this.#mark || this.#ahead.has(index)
  }

  /** Takes a record as finished; answers whether the watermark moved. */
  finish(index: number): boolean {
    if (index !== this.#mark) {
      if (index > this.#mark) this.#ahead.add(index)
      return false
    }
    this.#mark += 1
    while (this.#ahead.delete(this.#mark)) this.#mark += 1
    return true
  }

  /** Takes every record before `end` as finished. */
  finishBefore(end: number): void {
    while (this.#mark < end) this.finish(this.#mark)
  }
}
