// Where the lines for people go: whole lines, one after the other, and on a terminal a block of live lines below
// them that is drawn again and again. Rule: nothing else writes to the output while a display lives.

import { clearInterval, setInterval } from '../timers.ts'

/** Somewhere to write text to; a terminal tells its size. */
export interface TextOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}

/** Prints lines above a block of live ones. */
export class Display {
  readonly #output: TextOutput
  readonly #live: (columns: number, rows: number) => readonly string[]
  #drawn = 0
  #timer: NodeJS.Timeout | null = null

  /** `live` makes the block; it is asked four times a second, and only if the output is a terminal. */
  constructor(output: TextOutput, live: (columns: number, rows: number) => readonly string[] = () => []) {
    this.#output = output
    this.#live = live
  }

  /** Begins to draw the block. */
  start(): void {
    if (this.#output.isTTY !== true) return
    this.#timer = setInterval(() => this.print(), FRAME)
    this.#timer.unref()
  }

  print(...lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join('')
    if (this.#timer === null) {
      if (text !== '') this.#output.write(text)
      return
    }
    const { columns = 80, rows = 24 } = this.#output
    const block = this.#live(columns, rows).map((line) => line.slice(0, columns - 1))
    this.#output.write(`${this.#erase()}${text}${block.map((line) => `${line}\n`).join('')}`)
    this.#drawn = block.length
  }

  /** Removes the block; what is printed from now on is plain. */
  stop(): void {
    if (this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
    this.#output.write(this.#erase())
    this.#drawn = 0
  }

  // Up to the first line of the block, and everything from there on away.
  #erase(): string {
    return this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\x1b[0J`
  }
}

const FRAME = 250
