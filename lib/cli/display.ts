// Where the lines for people go: whole lines, one after the other, and on a terminal a block of live lines below
// them that is drawn again and again. Rule: nothing else writes to the output while a display lives.

import { clearInterval, setInterval } from '../timers.ts'

/** Somewhere to write text to; a terminal tells its size, and whether it has colours (and is to show them: NO_COLOR). */
export interface TextOutput {
  readonly isTTY?: boolean
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  /** A promise while there is no room for more. */
  readonly ready?: Promise<void> | undefined
  hasColors?(): boolean
  write(text: string): unknown
}

/** What a text is: wrong, right, worth a look, or of less interest. */
export type Style = 'bad' | 'good' | 'notable' | 'faint'

/** A line of the block that is drawn again and again. */
export type LiveLine = string | { readonly text: string; readonly style: Style }

/** Prints lines above a block of live ones. */
export class Display {
  readonly #output: TextOutput
  readonly #live: (columns: number, rows: number) => readonly LiveLine[]
  readonly #hasColors: boolean
  #drawn = 0
  #timer: NodeJS.Timeout | null = null

  /** `live` makes the block; it is asked four times a second, and only if the output is a terminal. */
  constructor(output: TextOutput, live: (columns: number, rows: number) => readonly LiveLine[] = () => []) {
    this.#output = output
    this.#live = live
    this.#hasColors = output.isTTY === true && output.hasColors?.() === true
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
    const block = this.#live(columns, rows).map((line) => {
      if (typeof line === 'string') return line.slice(0, columns - 1)
      return this.paint(line.style, line.text.slice(0, columns - 1))
    })
    this.#output.write(`${this.#erase()}${text}${block.map((line) => `${line}\n`).join('')}`)
    this.#drawn = block.length
  }

  /** The text in the colour of its style, where the output has colours. */
  paint(style: Style, text: string): string {
    return this.#hasColors ? `\x1b[${COLOURS[style]}m${text}\x1b[0m` : text
  }

  /** A line that begins with its shard, `shardId-… | text`, with a colour for each shard, where the output has colours. */
  withShard(line: string): string {
    const [, shard, number] = SHARD_PREFIX.exec(line) ?? []
    if (shard === undefined || !this.#hasColors) return line
    const colour = SHARD_COLOURS[Number(number?.slice(-6)) % SHARD_COLOURS.length] ?? 36
    return `\x1b[${colour}m${shard}\x1b[0m${line.slice(shard.length)}`
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

// Red, green, yellow, and grey.
const COLOURS: Readonly<Record<Style, number>> = { bad: 31, good: 32, notable: 33, faint: 90 }
const SHARD_PREFIX = /^(\S*shardId-(\d+) \|)/
// Cyan, magenta, blue, and the bright ones of them: none that means something elsewhere.
const SHARD_COLOURS = [36, 35, 34, 96, 95, 94]
const FRAME = 250
