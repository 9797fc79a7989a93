// The memory for a line that comes in pieces.

// What all of them have grown to.
let held = 0

/**
 * Grows by doubling: a line of 14 MB that comes in small pieces would else be copied, or kept, piece by piece. It
 * keeps what it has grown to while lines need it, because new memory costs more than all that is done with it here;
 * but where many have grown, as in a process that serves many shards, each gives it back after its line.
 */
export class HalfLine {
  #buffer: Buffer = EMPTY
  #idle = 0
  /** Bytes so far. */
  length = 0

  add(bytes: Buffer): void {
    const length = this.length + bytes.length
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, this.length)
      this.#hold(larger)
    }
    bytes.copy(this.#buffer, this.length)
    this.length = length
  }

  /** Valid until the next `add`. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.length)
    this.#idle = this.length < this.#buffer.length / 4 ? this.#idle + 1 : 0
    this.length = 0
    if (this.#idle > PATIENCE || held > MOST_HELD) this.#hold(EMPTY)
    return bytes
  }

  /** A line came in one piece. */
  notNeeded(): void {
    this.#idle += 1
    if (this.#idle > PATIENCE) this.#hold(EMPTY)
  }

  /** No more lines come; answers what there is of the last one. */
  end(): Buffer {
    const bytes = this.take()
    this.#hold(EMPTY)
    return bytes
  }

  #hold(buffer: Buffer): void {
    held += buffer.length - this.#buffer.length
    this.#buffer = buffer
  }
}

const EMPTY: Buffer = Buffer.alloc(0)
// Lines in a row that need no such memory, or far less, before it is given back.
const PATIENCE = 16
// Bytes that may be kept for lines to come: those of the largest batch, and of another one.
const MOST_HELD = 64 * 1024 * 1024
