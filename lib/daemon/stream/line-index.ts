// Where the records of a file are: kept for one in sixteen, or one in 16 KiB, and found from there by reading on.
// Rule: less than a byte for each small record, however many there are, and no look-up for whoever reads in order.

import { isBlank } from './record-line.ts'
import { Runs } from './runs.ts'
import { Windows } from './windows.ts'

/** The lines of a file that hold records, by their numbers from 0. */
export class LineIndex {
  readonly #windows: Windows
  readonly #marks = new Runs()
  #length = 0
  #mark = { record: 0, offset: 0 }
  /** Where the last record ends, its line end not counted. */
  #end = 0
  #next = { record: -1, offset: 0 }

  constructor(fd: number) {
    this.#windows = new Windows(fd)
  }

  get length(): number {
    return this.#length
  }

  /** The next record's line was found, from `offset` to `end`. */
  add(offset: number, end: number): void {
    const record = this.#length
    const { record: last, offset: from } = this.#mark
    if (record === 0 || record - last >= MOST_RECORDS || offset - from >= MOST_BYTES) {
      this.#marks.push(record, offset)
      this.#mark = { record, offset }
    }
    this.#length += 1
    this.#end = end
  }

  /** A record's line without its end; null where the file does not hold it any more. */
  read(record: number): Buffer | null {
    let { record: at, offset } = this.#next
    if (at !== record) {
      const mark = this.#marks.at(record)
      if (at > record || at < mark.since) {
        at = mark.since
        offset = mark.value
      }
    }
    for (;;) {
      const line = this.#windows.line(offset)
      offset += line.length
      if (line.at(-1) !== NEWLINE && offset !== this.#end) return null
      // A first look passes over most lines that only are on the way.
      if (at === record || (line[0] ?? 0) <= SPACE) {
        const text = withoutEnd(line)
        if (isBlank(text)) continue
        if (at === record) {
          this.#next = { record: at + 1, offset }
          return text
        }
      }
      at += 1
    }
  }
}

/** A line without its `\n` or `\r\n`. */
export function withoutEnd(line: Buffer): Buffer {
  let end = line.length
  if (line[end - 1] === NEWLINE) end -= 1
  if (line[end - 1] === RETURN) end -= 1
  return line.subarray(0, end)
}

const MOST_RECORDS = 16
const MOST_BYTES = 16 * 1024
const SPACE = 0x20
const NEWLINE = 0x0a
const RETURN = 0x0d
