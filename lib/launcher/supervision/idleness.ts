// When to say that a worker has no shard: the daemon itself says nothing, at its start or later. Pure.

/** Watches over how long there was no consumer. */
export class Idleness {
  readonly #patience: number
  #since: number | undefined
  #told = false

  /** `patience` is how long there may be none, in milliseconds, before it is said. */
  constructor(patience: number, now: number) {
    this.#patience = patience
    this.#since = now
  }

  /** The patience, for people. */
  get seconds(): number {
    return Math.round(this.#patience / 1000)
  }

  /** Whether it is to be said now: once for each time without a consumer. */
  isNews(consumers: number, now: number): boolean {
    if (consumers > 0) {
      this.#since = undefined
      this.#told = false
      return false
    }
    this.#since ??= now
    if (this.#told || now - this.#since < this.#patience) return false
    this.#told = true
    return true
  }
}
