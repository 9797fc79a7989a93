// A number for each record that is the same for many in a row, or can be told from a few: kept where it changes.

import { Column } from './column.ts'

/** Values by the index from which on they hold. */
export class Runs {
  readonly #starts = new Column((size) => new Uint32Array(size))
  readonly #values = new Column((size) => new Float64Array(size))
  #found = 0

  get length(): number {
    return this.#starts.length
  }

  /** From `index` on, which is behind all before it, `value` holds. */
  push(index: number, value: number): void {
    this.#starts.push(index)
    this.#values.push(value)
  }

  /** The value that holds there, and since where. There must be one. */
  at(index: number): { readonly since: number; readonly value: number } {
    if (!this.#holds(this.#found, index)) this.#found = this.#search(index)
    return { since: this.#starts.at(this.#found), value: this.#values.at(this.#found) }
  }

  #holds(run: number, index: number): boolean {
    return (
      run < this.length &&
      this.#starts.at(run) <= index &&
      (run + 1 === this.length || index < this.#starts.at(run + 1))
    )
  }

  #search(index: number): number {
    if (this.#holds(this.#found + 1, index)) return this.#found + 1
    let low = 0
    let high = this.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#starts.at(middle) <= index) low = middle
      else high = middle - 1
    }
    return low
  }
}
