// Reads a file's records page by page, and finds the lines of a page once for all shards that read it: they read nearly
// in order, and a call of the system, or even a look, for each line that another shard has would cost more than all else.
// Rule: what was handed out stays as it is; a page is never filled twice.

import { readSync } from 'node:fs'
import { isBlank, lineEnd } from './record-line.ts'

/** A part of a file, from where a record begins to where one ends. */
export interface Place {
  /** The number of its first record. */
  readonly first: number
  readonly offset: number
  readonly end: number
}

/** A page that was read. */
export class Page {
  readonly #place: Place
  readonly #bytes: Buffer
  /** Where each record begins and ends, by turns. */
  readonly #edges: number[] = []

  /** `bytes`: what the file holds of it. */
  constructor(place: Place, bytes: Buffer) {
    this.#place = place
    this.#bytes = bytes
    const isCut = bytes.length < place.end - place.offset
    for (let start = 0; start < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, start)
      if (newline === -1 && isCut) break
      const next = newline === -1 ? bytes.length : newline
      const end = lineEnd(bytes, start, next)
      const mayBeBlank = (bytes[start] ?? 0) <= SPACE
      if (!mayBeBlank || !isBlank(bytes.subarray(start, end))) this.#edges.push(start, end)
      start = next + 1
    }
  }

  get size(): number {
    return this.#bytes.length
  }

  /** Whether it was read when that was all of it: the last page of a file may grow. */
  isOf({ end }: Place): boolean {
    return this.#place.end === end
  }

  /** The line of a record, by the record's number in the file, without its end; null where it is not in this page. */
  line(record: number): Buffer | null {
    const at = 2 * (record - this.#place.first)
    const start = this.#edges[at]
    const end = this.#edges[at + 1]
    return start === undefined || end === undefined ? null : this.#bytes.subarray(start, end)
  }
}

/** The pages of one file that were read last. */
export class Pages {
  readonly #fd: number
  /** By their first record, the least recently used first. */
  readonly #pages = new Map<number, Page>()
  #bytes = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  /** The page that is there, as far as the file holds it. */
  at(place: Place): Page {
    const kept = this.#take(place.first)
    const page = kept?.isOf(place) ? kept : new Page(place, this.#read(place))
    this.#pages.set(place.first, page)
    this.#bytes += page.size
    for (const first of this.#pages.keys()) {
      if (this.#bytes <= MOST_BYTES || first === place.first) break
      this.#take(first)
    }
    return page
  }

  #take(first: number): Page | undefined {
    const page = this.#pages.get(first)
    if (this.#pages.delete(first)) this.#bytes -= page?.size ?? 0
    return page
  }

  #read({ offset, end }: Place): Buffer {
    const bytes = Buffer.allocUnsafe(end - offset)
    let size = 0
    while (size < bytes.length) {
      const read = readSync(this.#fd, bytes, size, bytes.length - size, offset + size)
      if (read === 0) break
      size += read
    }
    return bytes.subarray(0, size)
  }
}

const MOST_BYTES = 4 * 1024 * 1024
const NEWLINE = 0x0a
const SPACE = 0x20
