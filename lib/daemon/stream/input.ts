// The input: NDJSON, of which only an index is kept in memory (where each record's line begins, how long it is,
// when it was read), so that millions of lines cost a few bytes each and any of them can be read again.
// What cannot be read again (stdin, a pipe) is written to a temporary file first, which has no name any more by
// the time it is used. Rule: every line is checked before it becomes a record.

import { createHash, type Hash } from 'node:crypto'
import { closeSync, createReadStream, fstatSync, readSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { UsageError } from '../../errors.ts'
import { Column } from './column.ts'
import { openInput, openSpool } from './input-file.ts'
import { isBlank, type KeyOf, LARGEST_RECORD } from './record-line.ts'

/** Where the lines come from. */
export interface InputOptions {
  /** A file, or `-` for standard input. */
  readonly file: string
  readonly keyOf: KeyOf
  /** Told of each record as it is found: its number, from 0, and its partition key. */
  readonly onRecord: (ordinal: number, partitionKey: string) => void
  readonly stdin?: Readable
  /** What an earlier run saw of it: the file must still begin with that. With it, or null, the file is hashed. */
  readonly seen?: Fingerprint | null
}

/** The part of a file that has been read: its length in bytes, and its SHA-256 in hex. */
export interface Fingerprint {
  readonly bytes: number
  readonly sha256: string
}

/** An NDJSON file, or a stream of it, as numbered records. */
export class Input {
  /** The name for messages. */
  readonly name: string
  readonly #options: InputOptions
  readonly #fd: number
  readonly #source: Readable | null
  readonly #offsets = new Column((size) => new Float64Array(size))
  readonly #lengths = new Column((size) => new Uint32Array(size))
  readonly #arrivals = new Column((size) => new Float64Array(size))
  readonly #hash: Hash | null
  #seen: Fingerprint | null
  #hashed = 0
  #scanned = 0
  #rest: Buffer = EMPTY
  #line = 0
  #stopped = false
  #wake: () => void = () => {}

  /** Throws `UsageError` when there is no such file or it cannot be read. */
  constructor(options: InputOptions) {
    this.#options = options
    this.#seen = options.seen ?? null
    this.#hash = options.seen === undefined ? null : createHash('sha256')
    this.name = options.file === '-' ? 'standard input' : options.file
    const stdin = options.file === '-'
    const fd = stdin ? null : openInput(options.file)
    if (fd !== null && fstatSync(fd).isFile()) {
      this.#fd = fd
      this.#source = null
    } else {
      this.#source = fd === null ? (options.stdin ?? process.stdin) : createReadStream('', { fd })
      this.#fd = openSpool()
    }
  }

  /** How many records there are so far. */
  get records(): number {
    return this.#offsets.length
  }

  /** Whether all of it is there from the start: a regular file. */
  get isFile(): boolean {
    return this.#source === null
  }

  /** Reads a file from where the last scan ended to its end. The text behind the last newline counts if `whole`. */
  async scan(whole: boolean): Promise<void> {
    if (fstatSync(this.#fd).size < this.#scanned) throw this.#changed('is shorter than before')
    const chunk = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const size = readSync(this.#fd, chunk, 0, CHUNK, this.#scanned + this.#rest.length)
      if (size === 0) break
      this.#take(chunk.subarray(0, size))
      // Let signals and the consumers' messages in between.
      await new Promise(setImmediate)
    }
    if (whole) this.#takeRest()
    this.#compare()
  }

  /** What has been read of the file, up to its last whole record. */
  get fingerprint(): Fingerprint {
    this.#hashUpTo(this.#scanned)
    return { bytes: this.#scanned, sha256: this.#hash?.copy().digest('hex') ?? '' }
  }

  /** Reads what is added to a file, until `stop()`; `onMore` is called after each look that found something. */
  async follow(onMore: () => void): Promise<void> {
    while (!this.#stopped) {
      const before = this.records
      await this.scan(false)
      if (this.records > before) onMore()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        setTimeout(resolve, LOOK_TIME)
      })
    }
  }

  /** Ends `follow` and `drain`. */
  stop(): void {
    this.#stopped = true
    this.#source?.destroy()
    this.#wake()
  }

  /** Reads a stream to its end; `hold` is awaited between two pieces, and so slows the source down. */
  async drain(hold: () => Promise<void>): Promise<void> {
    let written = 0
    for await (const chunk of this.#pieces()) {
      for (let done = 0; done < chunk.length; ) {
        done += writeSync(this.#fd, chunk, done, chunk.length - done, written + done)
      }
      written += chunk.length
      this.#take(chunk)
      await hold()
    }
    this.#takeRest()
  }

  /** A record, read again by its number. */
  read(ordinal: number): { data: Buffer; partitionKey: string; arrivedAt: number } {
    const length = this.#lengths.at(ordinal)
    const data = Buffer.allocUnsafe(length)
    if (readSync(this.#fd, data, 0, length, this.#offsets.at(ordinal)) !== length) {
      throw new UsageError(`${this.name} was cut short while it was being read.`)
    }
    const partitionKey = this.#options.keyOf(data, `${this.name}, record ${ordinal + 1}`)
    return { data, partitionKey, arrivedAt: this.#arrivals.at(ordinal) }
  }

  /** Closes the file; nothing can be read any more. */
  close(): void {
    this.stop()
    closeSync(this.#fd)
  }

  // A source that was destroyed by `stop` is at its end.
  async *#pieces(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const piece of this.#source ?? []) yield piece as Buffer
    } catch (error) {
      if (!this.#stopped) throw new UsageError(`Cannot read ${this.name}: ${String(error)}`, { cause: error })
    }
  }

  #take(chunk: Buffer): void {
    const text = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let start = 0
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, start)) {
      this.#add(text.subarray(start, end), this.#scanned + start)
      start = end + 1
    }
    this.#scanned += start
    this.#rest = Buffer.from(text.subarray(start))
    if (this.#rest.length > LARGEST_RECORD) {
      throw new UsageError(
        `${this.name}, line ${this.#line + 1} has more than ${LARGEST_RECORD} bytes: Kinesis takes records of up to 10 MiB.`,
      )
    }
  }

  // Compared once, as soon as as much has been read as the earlier run had read.
  #compare(): void {
    const seen = this.#seen
    if (seen === null) return
    this.#seen = null
    if (this.#scanned < seen.bytes) throw this.#changed('is shorter than in the earlier run')
    this.#hashUpTo(seen.bytes)
    if (this.#hash?.copy().digest('hex') !== seen.sha256)
      throw this.#changed('is not the file of the earlier run')
  }

  #changed(how: string): UsageError {
    return new UsageError(`${this.name} ${how}: records may only be added at its end.`)
  }

  #hashUpTo(end: number): void {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(0, end - this.#hashed)))
    while (this.#hash !== null && this.#hashed < end) {
      const size = readSync(this.#fd, chunk, 0, Math.min(CHUNK, end - this.#hashed), this.#hashed)
      if (size === 0) throw this.#changed('was cut short')
      this.#hash.update(chunk.subarray(0, size))
      this.#hashed += size
    }
  }

  #takeRest(): void {
    const rest = this.#rest
    this.#rest = EMPTY
    if (rest.length > 0) this.#add(rest, this.#scanned)
    this.#scanned += rest.length
  }

  #add(bytes: Buffer, offset: number): void {
    this.#line += 1
    const skipped = offset === 0 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0
    const end = bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length
    const line = bytes.subarray(skipped, end)
    if (isBlank(line)) return
    const key = this.#options.keyOf(line, `${this.name}, line ${this.#line}`)
    const ordinal = this.#offsets.length
    this.#offsets.push(offset + skipped)
    this.#lengths.push(line.length)
    this.#arrivals.push(Date.now())
    this.#options.onRecord(ordinal, key)
  }
}

const LOOK_TIME = 200
const CHUNK = 1024 * 1024
const NEWLINE = 0x0a
const RETURN = 0x0d
const EMPTY: Buffer = Buffer.alloc(0)
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
