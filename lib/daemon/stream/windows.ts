// Reads pieces of a file through a few large windows: records are read one by one and nearly in order, by several
// shards at once, and a call of the system for each would cost more than all else.
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

  /** So many bytes from there on, or fewer where the file ends. */
  read(offset: number, length: number): Buffer {
    const number = Math.floor(offset / SIZE)
    const start = offset - number * SIZE
    if (start + length > SIZE) return this.#readFrom(offset, length)
    const window = number === this.#last ? this.#lastWindow : this.#window(number)
    if (start + length <= window.length) return window.subarray(start, start + length)
    // The file has grown since.
    this.#windows.delete(number)
    return this.#window(number).subarray(start, start + length)
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

const SIZE = 256 * 1024
const MOST = 16
