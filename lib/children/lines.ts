// Bytes in, lines out, by the rule of Java's BufferedReader.readLine, which is what the real daemon reads a
// consumer with: \n, \r\n and a lone \r each end a line, and the text before the end of input is a line too.

import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** Splits a stream of UTF-8 bytes into lines, without their ends; a line of `limit` characters is cut there. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #onLine: (line: string) => void
  readonly #limit: number
  #rest = ''
  #afterReturn = false

  constructor(onLine: (line: string) => void, limit: number = Number.POSITIVE_INFINITY) {
    this.#onLine = onLine
    this.#limit = limit
  }

  push(chunk: Buffer): void {
    this.#add(this.#decoder.write(chunk))
  }

  /** The input is over: what is left, if anything, is the last line. */
  end(): void {
    this.#add(this.#decoder.end())
    const last = this.#rest
    this.#rest = ''
    if (last !== '') this.#onLine(last)
  }

  #add(text: string): void {
    if (text === '') return
    let start = 0
    // A \r has already ended the line; the \n that belongs to it may come with the next chunk.
    if (this.#afterReturn && text.startsWith('\n')) start = 1
    this.#afterReturn = text.endsWith('\r')
    LINE_END.lastIndex = start
    for (let end = LINE_END.exec(text); end !== null; end = LINE_END.exec(text)) {
      const line = this.#rest + text.slice(start, end.index)
      this.#rest = ''
      start = LINE_END.lastIndex
      this.#onLine(line)
    }
    this.#rest += text.slice(start)
    while (this.#rest.length > this.#limit) {
      const line = this.#rest.slice(0, this.#limit)
      this.#rest = this.#rest.slice(this.#limit)
      this.#onLine(line)
    }
  }
}

/**
 * Hands on the lines of a stream until it closes, and then resolves. Nothing more is read while a promise that `onLine`
 * returned is pending: then whoever writes waits too.
 */
export function readLines(
  stream: Readable | null,
  onLine: (line: string) => unknown,
  limit: number,
): Promise<void> {
  let held = 0
  const lines = new LineSplitter((line) => {
    const ready = onLine(line)
    if (!(ready instanceof Promise)) return
    if (held++ === 0) stream?.pause()
    void ready.finally(() => {
      if (--held === 0) stream?.resume()
    })
  }, limit)
  return new Promise((resolve) => {
    stream?.on('data', (chunk: Buffer) => lines.push(chunk))
    stream?.on('error', () => {})
    stream?.once('end', () => lines.end())
    stream?.once('close', () => resolve())
  })
}

const LINE_END = /\r\n|\n|\r/g
