// Where the records of a file are: kept for the first in each page of 64 KiB, and found in the page from there.
// Rule: less than a byte for each small record, however many there are, and no look-up for whoever reads in order.

import { type Page, Pages } from './pages.ts'
import { Runs } from './runs.ts'

/** The lines of a file that hold records, by their numbers from 0. */
export class LineIndex {
  readonly #pages: Pages
  /** Where each page begins, and where each but the last ends: at its last record, however much that is blank follows. */
  readonly #begins = new Runs()
  readonly #ends = new Runs()
  #length = 0
  #last = { first: 0, offset: 0 }
  /** Where the last record ends, its line end not counted. */
  #end = 0
  #page: Page | null = null

  constructor(fd: number) {
    this.#pages = new Pages(fd)
  }

  get length(): number {
    return this.#length
  }

  /** The next record's line was found, from `offset` to `end`. */
  add(offset: number, end: number): void {
    const record = this.#length
    const isFirst = record === 0
    if (isFirst || offset - this.#last.offset >= PAGE) {
      if (!isFirst) this.#ends.push(this.#last.first, this.#end)
      this.#begins.push(record, offset)
      this.#last = { first: record, offset }
    }
    this.#length += 1
    this.#end = end
  }

  /** A record's line without its end; null where the file does not hold it any more. */
  read(record: number): Buffer | null {
    return this.#page?.line(record) ?? this.#turn(record).line(record)
  }

  #turn(record: number): Page {
    const { since: first, value: offset } = this.#begins.at(record)
    const end = first === this.#last.first ? this.#end : this.#ends.at(record).value
    this.#page = this.#pages.at({ first, offset, end })
    return this.#page
  }
}

const PAGE = 64 * 1024
