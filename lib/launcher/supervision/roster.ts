// Which consumers there are, and which of them died. The daemon says when it has seen a consumer out; one that
// is gone without that died, and while its shard is idle the daemon does not notice. Pure: pids and times in,
// names out.

/** A consumer, from its announcement on. */
export interface RosterEntry {
  readonly pid: number
  readonly shardId: string
  /** The last lines that it wrote, oldest first. */
  readonly lastWords: readonly string[]
}

/** Who is there. */
export class Roster {
  readonly #present = new Map<number, { pid: number; shardId: string; lastWords: string[] }>()
  readonly #gone: { entry: RosterEntry; since: number }[] = []
  readonly #words = new Map<string, string[]>()
  #seenOut = 0
  #started = 0

  /** How many consumers have been started. */
  get started(): number {
    return this.#started
  }

  get present(): RosterEntry[] {
    return [...this.#present.values()]
  }

  /** A consumer announced itself. */
  arrive(pid: number, shardId: string): void {
    const lastWords: string[] = []
    this.#present.set(pid, { pid, shardId, lastWords })
    this.#words.set(shardId, lastWords)
    this.#started++
  }

  /** A consumer wrote a line. */
  hear(shardId: string, text: string): void {
    const words = this.#words.get(shardId)
    if (words === undefined || text.trim() === '') return
    words.push(text.slice(0, LONGEST_WORD))
    if (words.length > LAST_WORDS) words.shift()
  }

  /** The last lines of a shard's consumer, its latest one. */
  lastWordsOf(shardId: string): readonly string[] {
    return this.#words.get(shardId) ?? []
  }

  /** The daemon said that it has seen a consumer out: "Child process exited with value". It does not say which. */
  seeOut(): void {
    this.#seenOut++
  }

  /** Those of the present that are gone are taken off the list, and returned. */
  callTheRoll(isAlive: (pid: number) => boolean, now: number): RosterEntry[] {
    const left = [...this.#present.values()].filter(({ pid }) => !isAlive(pid))
    for (const entry of left) {
      this.#present.delete(entry.pid)
      this.#gone.push({ entry, since: now })
    }
    return left
  }

  /** One that is gone, and that the daemon has not seen out. */
  dead(isAlive: (pid: number) => boolean): RosterEntry | undefined {
    return this.present.find(({ pid }) => !isAlive(pid)) ?? this.missing(Number.POSITIVE_INFINITY, 0)[0]
  }

  /** Consumers that have been gone for `patience` without the daemon having seen them out. */
  missing(now: number, patience: number): RosterEntry[] {
    while (this.#seenOut > 0 && this.#gone.length > 0) {
      this.#seenOut--
      this.#gone.shift()
    }
    return this.#gone.filter(({ since }) => now - since >= patience).map(({ entry }) => entry)
  }
}

const LAST_WORDS = 20
const LONGEST_WORD = 500
