// How much of all shards is in hand at once: a host of 64 shards would else hold 64 batches of 10 MB. What is over the
// limit waits unread in its pipe, and with it its daemon.
// Rule: whoever works on a batch reads on, because the answer to a checkpoint comes the same way; and where nobody does,
// one shard may read, so that nothing waits for ever.

import type { Readable } from 'node:stream'

/** The bytes of all shards. */
export class Budget {
  readonly #limit: number
  /** Shards in the middle of a message that may not read on, the one that waits for the longest time first. */
  readonly #waiting: Share[] = []
  #taken = 0
  #atWork = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The share of one shard, whose stream is not read yet. */
  open(input: Readable): Share {
    return new Share(this, input)
  }

  /** @internal Bytes more or fewer are in hand, and shards that work on a message. */
  count(bytes: number, atWork: number): void {
    this.#taken += bytes
    this.#atWork += atWork
  }

  /** @internal Whether a shard may read on in the middle of a message; one that may not is told when it may. */
  mayRead(share: Share): boolean {
    if (this.#taken < this.#limit) return true
    if (!this.#waiting.includes(share)) this.#waiting.push(share)
    return this.#isFirst(share)
  }

  /** @internal A shard waits no more: its message has come whole, or it is over. */
  forget(share: Share): void {
    const at = this.#waiting.indexOf(share)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  /** @internal There may be room now. */
  look(): void {
    for (const share of this.#waiting.slice()) {
      if (this.#taken < this.#limit) this.forget(share)
      else if (!this.#isFirst(share)) return
      share.readOn()
    }
  }

  // Where nobody is at work nothing will be given back, so one reads on.
  #isFirst(share: Share): boolean {
    return this.#atWork === 0 && this.#waiting[0] === share
  }
}

/** What one shard has in hand. */
export class Share {
  readonly #budget: Budget
  readonly #input: Readable
  #bytes = 0
  /** Bytes of a message that has not come whole. */
  #begun = 0
  #atWork = false
  #held = false

  constructor(budget: Budget, input: Readable) {
    this.#budget = budget
    this.#input = input
    // A listener on a stream that is paused does not set it going.
    input.pause()
    input.on('data', this.#onData)
  }

  /** The action in hand was acknowledged. */
  acknowledged(): void {
    this.#budget.count(-this.#bytes, this.#atWork ? -1 : 0)
    this.#bytes = 0
    this.#atWork = false
    this.#budget.look()
  }

  /** The shard is over. */
  close(): void {
    this.#input.off('data', this.#onData)
    this.#budget.forget(this)
    this.acknowledged()
  }

  /** @internal */
  readOn(): void {
    if (!this.#held) return
    this.#held = false
    this.#input.resume()
  }

  // The daemon says one thing at a time: a piece that ends a line ends a message.
  readonly #onData = (chunk: Uint8Array): void => {
    this.#bytes += chunk.length
    this.#budget.count(chunk.length, 0)
    if (chunk[chunk.length - 1] === LINE_FEED) this.#take()
    else this.#go(chunk.length)
  }

  #take(): void {
    this.#begun = 0
    this.#budget.forget(this)
    if (this.#atWork) return
    this.#atWork = true
    this.#budget.count(0, 1)
  }

  #go(bytes: number): void {
    this.#begun += bytes
    if (this.#begun <= SMALL || this.#budget.mayRead(this)) return
    this.#held = true
    this.#input.pause()
  }
}

const LINE_FEED = 0x0a
// Bytes of a message that anybody may read: it is the large ones that fill the memory.
const SMALL = 256 * 1024
