// A growing list of numbers in typed arrays of fixed size: a few bytes for each of millions of records, without
// the copies that a growing array makes.

type Numbers = Float64Array | Uint32Array | Uint8Array

/** A growing column of numbers; `make` says how they are kept. */
export class Column {
  readonly #make: (size: number) => Numbers
  readonly #chunks: Numbers[] = []
  #length = 0

  constructor(make: (size: number) => Numbers) {
    this.#make = make
  }

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if ((this.#length & MASK) === 0) this.#chunks.push(this.#make(SIZE))
    const chunk = this.#chunks[this.#chunks.length - 1]
    if (chunk) chunk[this.#length & MASK] = value
    this.#length += 1
  }

  at(index: number): number {
    const value = index < this.#length ? this.#chunks[index >>> BITS]?.[index & MASK] : undefined
    if (value === undefined) throw new RangeError(`no entry ${index} of ${this.#length}`)
    return value
  }

  set(index: number, value: number): void {
    const chunk = index < this.#length ? this.#chunks[index >>> BITS] : undefined
    if (chunk === undefined) throw new RangeError(`no entry ${index} of ${this.#length}`)
    chunk[index & MASK] = value
  }

  /** Forgets everything from this entry on. */
  truncate(length: number): void {
    this.#length = Math.min(this.#length, length)
    this.#chunks.length = Math.ceil(this.#length / SIZE)
  }
}

const BITS = 16
const SIZE = 1 << BITS
const MASK = SIZE - 1
