// What a run has seen of a file, so that the next one can tell whether it is still the same: its SHA-256 up to there,
// carried on as more of it is read. Rule: records may only be added at the end.

import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { UsageError } from '../../errors.ts'

/** The part of a file that has been read: its length in bytes, and its SHA-256 in hex. */
export interface Fingerprint {
  readonly bytes: number
  readonly sha256: string
}

/** Hashes a file from its beginning on, and compares it to what an earlier run saw of it. */
export class FileHash {
  readonly #fd: number
  readonly #name: string
  readonly #hash: Hash = createHash('sha256')
  #hashed = 0

  constructor(fd: number, name: string) {
    this.#fd = fd
    this.#name = name
  }

  /** The fingerprint of the first so many bytes; they may only become more. */
  upTo(bytes: number): Fingerprint {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(0, bytes - this.#hashed)))
    while (this.#hashed < bytes) {
      const size = readSync(this.#fd, chunk, 0, Math.min(CHUNK, bytes - this.#hashed), this.#hashed)
      if (size === 0) throw changed(this.#name, 'was cut short')
      this.#hash.update(chunk.subarray(0, size))
      this.#hashed += size
    }
    return { bytes, sha256: this.#hash.copy().digest('hex') }
  }

  /** Throws `UsageError` where the file, of which so many bytes were read, does not begin with what was seen. */
  compare(seen: Fingerprint, read: number): void {
    if (read < seen.bytes) throw changed(this.#name, 'is shorter than in the earlier run')
    if (this.upTo(seen.bytes).sha256 !== seen.sha256) {
      throw changed(this.#name, 'is not the file of the earlier run')
    }
  }
}

/** The error for a file that did more than grow. */
export function changed(name: string, how: string): UsageError {
  return new UsageError(`${name} ${how}: records may only be added at its end.`)
}

const CHUNK = 1024 * 1024
