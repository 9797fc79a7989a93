// Lines from a stream. node:readline says what the end of a line is, but it sees no more of a line than its last two
// bytes, and those only where they are more than a line feed: it looks at every character with a regular expression,
// which costs as much as half of JSON.parse, and on some versions of Node it splits at U+2028, too. One line at a time
// keeps the order of lines and end plain, and lets us stop between two lines.

import type { Interface } from 'node:readline'
import { Readable } from 'node:stream'
import { readline } from '../lazy.ts'
import { nextTick, setImmediate } from '../timers.ts'
import { HalfLine } from './half-line.ts'

/** What a LineReader tells. Both are called from the stream's own events, one at a time. */
export interface LineHandlers {
  /**
   * A line without its end, `\n` or `\r\n`; blank lines too: the bytes from `from` to before `to`, which are UTF-8 and
   * there until it returns. What it throws surfaces; the next lines still come.
   */
  line(bytes: Buffer, from: number, to: number): void
  /**
   * Once, after every line before it; half a line at the end is no line. `error` is the stream's error, or says
   * that it was closed before its end; null at an ordinary end.
   */
  end(error: Error | null): void
}

/**
 * Reads a stream line by line, as UTF-8, and never pauses it. Takes streams of bytes and of text, whatever
 * encoding was set; nothing is read and no listener added before `start()`.
 */
export class LineReader {
  readonly #input: Readable & { ref?(): void; unref?(): void; fd?: number }
  readonly #handlers: LineHandlers
  #ends: Interface | undefined
  // The line that readline sees the end of: `#source` from `#from` to `#to`.
  #source: Buffer = EMPTY
  #from = 0
  #to = 0
  #state: 'new' | 'reading' | 'over' | 'stopped' = 'new'
  #unrefd = false
  // What the stream gave and we have not looked at: `#chunk` from `#offset` on, after the half line.
  #chunk: Buffer = EMPTY
  #offset = 0
  readonly #half = new HalfLine()
  readonly #pieces = new Pieces()
  #draining = false
  #ending: { error: Error | null } | undefined

  constructor(input: Readable, handlers: LineHandlers) {
    this.#input = input
    this.#handlers = handlers
  }

  /** Begins to read, and keeps the process alive from here on unless `unref()` was called. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'reading'
    const input = this.#input
    input.on('data', this.#onData)
    input.on('end', this.#onEnd)
    input.on('error', this.#onError)
    input.on('close', this.#onClose)
    if (!this.#unrefd) input.ref?.()
    // Such a stream has no more events for us.
    if (input.readableEnded || input.destroyed || input.errored) nextTick(this.#onClose)
    else input.resume()
  }

  /** Reading keeps the process alive, where the stream knows about that (sockets, pipes, terminals). */
  ref(): void {
    if (this.#state === 'stopped') return
    this.#unrefd = false
    this.#input.ref?.()
  }

  /** Reading goes on but does not keep the process alive. */
  unref(): void {
    if (this.#state === 'stopped') return
    this.#unrefd = true
    this.#input.unref?.()
  }

  /** Gives the stream back, paused and with what was not handed out in front; neither `line` nor `end` follows. */
  stop(): void {
    if (this.#state === 'stopped') return
    const started = this.#state !== 'new'
    this.#state = 'stopped'
    this.#ends?.close()
    const input = this.#input
    if (this.#unrefd) input.ref?.()
    if (!started) return
    input.off('data', this.#onData)
    input.off('end', this.#onEnd)
    input.off('error', this.#onError)
    input.off('close', this.#onClose)
    input.pause()
    this.#putBack()
    // A stdin that is paused from within a data event is read on, and would keep the process alive.
    if (input.fd === 0) setImmediate(() => input.isPaused() && input.resume().pause())
  }

  readonly #onData = (chunk: unknown): void => {
    if (this.#state !== 'reading' || this.#ending) return
    const bytes = this.#pieces.toBytes(chunk, this.#input.readableEncoding)
    if (bytes === undefined) {
      this.#finish(new TypeError('The input gave something that is neither bytes nor text.'))
      return
    }
    const read = this.#offset === this.#chunk.length
    this.#chunk = read ? bytes : Buffer.concat([this.#chunk.subarray(this.#offset), bytes])
    this.#offset = 0
    this.#drain()
  }

  readonly #onEnd = (): void => this.#finish(null)
  readonly #onError = (error: Error): void => this.#finish(error)
  readonly #onClose = (): void => {
    const { readableEnded, errored } = this.#input
    this.#finish(readableEnded ? null : (errored ?? new Error('The input was closed before its end.')))
  }

  #finish(error: Error | null): void {
    this.#ending ??= { error }
    this.#drain()
  }

  // Not entered twice: a handler may write to the very stream that it reads from.
  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    try {
      while (this.#state === 'reading' && this.#takeLine()) {
        if (this.#source[this.#to - 2] !== CARRIAGE_RETURN) this.#emit(this.#to - 1)
        else this.#askReadline(this.#source.toString('latin1', this.#lastBytes, this.#to))
      }
      this.#draining = false
    } finally {
      // A handler threw: the lines behind it take their turn if the process goes on. Their memory may be the stream's.
      if (this.#draining) {
        this.#draining = false
        this.#chunk = Buffer.from(this.#chunk.subarray(this.#offset))
        this.#offset = 0
        nextTick(() => this.#drain())
      }
    }
    if (this.#ending !== undefined && this.#state === 'reading') {
      this.#state = 'over'
      this.#handlers.end(this.#ending.error)
    }
  }

  // Takes the next line, with its end; answers false when the rest of it is still to come. A line that came in one piece
  // stays where it is: each view of a few bytes costs more than reading them.
  #takeLine(): boolean {
    const start = this.#offset
    const end = this.#chunk.indexOf(LINE_FEED, start)
    if (end < 0) {
      if (start < this.#chunk.length) this.#half.add(this.#chunk.subarray(start))
      this.#chunk = EMPTY
      this.#offset = 0
      return false
    }
    this.#offset = end + 1
    if (this.#half.length === 0) {
      this.#half.notNeeded()
      this.#setLine(this.#chunk, start, end + 1)
    } else {
      this.#half.add(this.#chunk.subarray(start, end + 1))
      const line = this.#half.take()
      this.#setLine(line, 0, line.length)
    }
    return true
  }

  #setLine(source: Buffer, from: number, to: number): void {
    this.#source = source
    this.#from = from
    this.#to = to
  }

  // Where what readline sees of the line begins.
  get #lastBytes(): number {
    return Math.max(this.#from, this.#to - LONGEST_END)
  }

  #askReadline(lastBytes: string): void {
    this.#ends ??= readline()
      .createInterface({
        input: new Readable({ read() {} }),
        terminal: false,
        crlfDelay: Number.POSITIVE_INFINITY,
      })
      .on('line', this.#onLine)
    this.#ends.write(lastBytes)
  }

  // `rest` is what readline leaves of the last bytes of a line.
  readonly #onLine = (rest: string): void => {
    if (this.#state === 'reading') this.#emit(this.#lastBytes + rest.length)
  }

  #emit(end: number): void {
    const source = this.#source
    this.#source = EMPTY
    this.#handlers.line(source, this.#from, end)
  }

  #putBack(): void {
    const bytes = Buffer.concat([this.#half.end(), this.#chunk.subarray(this.#offset)])
    this.#chunk = EMPTY
    const input = this.#input
    if (input.readableEnded || input.destroyed || input.errored) return
    const encoding = input.readableEncoding
    const rest = this.#pieces.fromBytes(bytes, encoding)
    if (rest.length > 0) input.unshift(rest, encoding ?? undefined)
  }
}

// A stream with an encoding gives text; its bytes are what that encoding was made from. Text without one,
// from a stream of objects, may be cut inside a surrogate pair, whose first half waits here for the second.
class Pieces {
  #text = false
  #surrogate = ''

  toBytes(chunk: unknown, encoding: BufferEncoding | null): Buffer | undefined {
    if (Buffer.isBuffer(chunk)) return chunk
    if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (typeof chunk !== 'string') return undefined
    this.#text = true
    if (encoding !== null) return Buffer.from(chunk, encoding)
    const text = this.#surrogate + chunk
    this.#surrogate = /[\ud800-\udbff]$/.exec(text)?.[0] ?? ''
    return Buffer.from(text.slice(0, text.length - this.#surrogate.length))
  }

  fromBytes(bytes: Buffer, encoding: BufferEncoding | null): Buffer | string {
    if (encoding !== null) return bytes.toString(encoding)
    return this.#text ? bytes.toString() + this.#surrogate : bytes
  }
}

const EMPTY: Buffer = Buffer.alloc(0)
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
// A carriage return and a line feed.
const LONGEST_END = 2
