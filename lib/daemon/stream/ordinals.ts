// The numbers of a shard's records, growing: where they follow one another without a gap, as in the only shard of a
// stream, nothing is kept but where they begin and end; from the first gap on, each of them.

import { Column } from './column.ts'

/** What a shard keeps its records' numbers in. */
export type RecordLog = Pick<Column, 'length' | 'at' | 'push' | 'truncate'>

/** Numbers that may follow one another. */
export class Ordinals implements RecordLog {
  #first = 0
  #length = 0
  #each: Column | null = null

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === 0) this.#first = value
    else if (this.#each === null && value !== this.#first + this.#length) this.#each = this.#listed()
    this.#each?.push(value)
    this.#length += 1
  }

  at(index: number): number {
    if (this.#each !== null) return this.#each.at(index)
    if (index < 0 || index >= this.#length) throw new RangeError(`no entry ${index} of ${this.#length}`)
    return this.#first + index
  }

  /** Forgets everything from this entry on. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length)
    this.#each?.truncate(length)
    if (this.#length === 0) this.#each = null
  }

  #listed(): Column {
    const each = new Column((size) => new Uint32Array(size))
    for (let at = 0; at < this.#length; at += 1) each.push(this.#first + at)
    return each
  }
}
