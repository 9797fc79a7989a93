// The last lines that a process wrote: what there is to go by when it has died.

/** At most twenty lines, oldest first, without the blank ones. */
export class LastWords {
  readonly #lines: string[] = []

  get lines(): readonly string[] {
    return this.#lines
  }

  keep(line: string): void {
    if (line.trim() === '') return
    this.#lines.push(line.slice(0, LONGEST))
    if (this.#lines.length > MOST) this.#lines.shift()
  }
}

const MOST = 20
const LONGEST = 2000
