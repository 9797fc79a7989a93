// Reads the lines of a file through a few large windows: they are read one by one and nearly in order, by several shards
// at once, and a call of the system for each would cost more than all else.
// Rule: what was handed out stays as it is; a window is never filled twice.

import { readSync } from 'node:fs'

/** The windows of one file. */
export class Windows {
  readonly #fd: number
  /** By their number in the file, the least recently used first. */
  readonly #windows = new Map<number, Buffer>()
  #last = -1
  #lastWindow: Buffer = Buffer.alloc(0)

  constructor(fd: number) {
    this.#fd = fd
  }

  /** The line that begins there, with its newline; without one at the end of the file, where it may be empty. */
  line(offset: number): Buffer {
    const number = Math.floor(offset / SIZE)
    const start = offset - number * SIZE
    const window = number === this.#last ? this.#lastWindow : this.#window(number)
    const end = window.indexOf(NEWLINE, start)
    if (end !== -1) return window.subarray(start, end + 1)
    if (window.length < SIZE) this.#forget(number)
    return this.#overTheEdge(offset)
  }

  // Longer than the rest of its window, or the file has grown since.
  #overTheEdge(offset: number): Buffer {
    for (let size = SMALL; ; size *= 4) {
      const bytes = this.#readFrom(offset, size)
      const end = bytes.indexOf(NEWLINE)
      if (end !== -1) return bytes.subarray(0, end + 1)
      if (bytes.length < size) return bytes
    }
  }

  #forget(number: number): void {
    this.#windows.delete(number)
    this.#last = -1
  }

  #window(number: number): Buffer {
    const window = this.#windows.get(number) ?? this.#readFrom(number * SIZE, SIZE)
    this.#windows.delete(number)
    this.#windows.set(number, window)
    if (this.#windows.size > MOST) {
      const [oldest] = this.#windows.keys()
      if (oldest !== undefined) this.#windows.delete(oldest)
    }
    this.#last = number
    this.#lastWindow = window
    return window
  }

  #readFrom(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    let size = 0
    while (size < length) {
      const read = readSync(this.#fd, bytes, size, length - size, offset + size)
      if (read === 0) break
      size += read
    }
    return bytes.subarray(0, size)
  }
}

const NEWLINE = 0x0a
const SIZE = 256 * 1024
const SMALL = 4096
const MOST = 16
