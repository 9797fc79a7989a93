// The input: NDJSON, of which only an index is kept in memory (where one line in 64 KiB begins, and when it was read),
// so that millions of lines cost next to nothing and any of them can be read again.
// What cannot be read again (stdin, a pipe) is written to a temporary file first, unpacked if it is compressed.
// Rule: every line is checked before it becomes a record, and what holds no records is an error.

import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { UsageError } from '../../errors.ts'
import { setImmediate, setTimeout } from '../../timers.ts'
import { changed, FileHash, type Fingerprint } from './fingerprint.ts'
import { envelopeKeys, opened } from './formats/envelope.ts'
import { converted, type Format, needsConverting } from './formats/formats.ts'
import { openInput } from './input-file.ts'
import { LineIndex } from './line-index.ts'
import { notNdjson, oneArray } from './not-ndjson.ts'
import { isBlank, type KeyOf, LARGEST_RECORD, lineEnd } from './record-line.ts'
import { Runs } from './runs.ts'
import type { RecordReader } from './stream.ts'
import { unpacked } from './unpack.ts'

/** Where the lines come from. */
export interface InputOptions {
  /** A file, or `-` for standard input. */
  readonly file: string
  /** The keys of JSON lines that are records as they are. */
  readonly keyOf: KeyOf
  /** What changes the keys, of whatever format. */
  readonly otherKeys?: ((rule: KeyOf) => KeyOf) | undefined
  /** What it is, where it is not that. */
  readonly format?: Format
  /** Told of each record as it is found: its number, from 0, and how to get its key, and its hash key if it has one. */
  readonly onRecord: (ordinal: number, partitionKey: () => string, hashKey: () => string | undefined) => void
  readonly stdin?: Readable
  /** What an earlier run saw of it: the file must still begin with that. With it, or null, the file is hashed. */
  readonly seen?: Fingerprint | null
}

/** An NDJSON file, or a stream of it, as numbered records. */
export class Input {
  /** The name for messages. */
  readonly name: string
  readonly #options: InputOptions
  /** Whether all of it is there from the start: a regular file. */
  readonly isFile: boolean
  readonly #fd: number
  readonly #lines: LineIndex
  readonly #source: Readable | null
  readonly #arrivals = new Runs()
  #arrivedAt = 0
  #now = 0
  readonly #hash: FileHash | null
  #seen: Fingerprint | null
  #unpacked: boolean
  #written = 0
  #scanned = 0
  #rest: Buffer = EMPTY
  #line = 0
  /** The key of a first record that is an array: it may be all that comes. */
  #held: { key: () => string; hashKey: () => string | undefined } | null = null
  readonly #format: Format
  /** Whether lines are records that were converted. */
  #isConverted = false
  #keyOf: KeyOf
  readonly #where = (): string => `${this.name}, line ${this.#line}`
  #stopped = false
  #wake: () => void = () => {}

  /** Throws `UsageError` when there is no such file or it cannot be read. */
  constructor(options: InputOptions) {
    this.#options = options
    this.name = options.file === '-' ? 'standard input' : options.file
    const { format = {}, otherKeys = (rule) => rule } = options
    this.#format = format
    this.#keyOf = otherKeys(options.keyOf)
    const { fd, source, isFile } = openInput(options.file, options.stdin ?? process.stdin, (head) =>
      needsConverting(format, head),
    )
    this.#fd = fd
    this.#lines = new LineIndex(fd)
    this.#source = source
    this.isFile = isFile
    this.#unpacked = source === null
    this.#seen = options.seen ?? null
    this.#hash = options.seen === undefined ? null : new FileHash(fd, this.name)
  }

  /** How many records there are so far. */
  get records(): number {
    return this.#lines.length
  }

  /** Reads a file from where the last scan ended to its end. The text behind the last newline counts if `whole`. */
  async scan(whole: boolean): Promise<void> {
    await this.#unpack(whole)
    if (fstatSync(this.#fd).size < this.#scanned) throw changed(this.name, 'is shorter than before')
    const chunk = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const size = readSync(this.#fd, chunk, 0, CHUNK, this.#scanned + this.#rest.length)
      if (size === 0) break
      this.#take(chunk.subarray(0, size))
      // Let signals and the consumers' messages in between.
      await new Promise(setImmediate)
    }
    if (whole) this.#finish()
    else this.#release()
    if (this.#seen !== null) this.#hash?.compare(this.#seen, this.#scanned)
    this.#seen = null
  }

  /** What has been read of the file, up to its last whole record. */
  get fingerprint(): Fingerprint {
    return this.#hash?.upTo(this.#scanned) ?? { bytes: this.#scanned, sha256: '' }
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
    for await (const piece of this.#pieces()) {
      this.#write(piece)
      this.#take(piece)
      await hold()
    }
    if (!this.#stopped) this.#finish()
  }

  /** A record, read again by its number. */
  read(ordinal: number): ReturnType<RecordReader['read']> {
    const data = this.#lines.read(ordinal)
    if (data === null) throw new UsageError(`${this.name} was cut short while it was being read.`)
    const partitionKey = this.#keyOf.of(data)
    const arrivedAt = this.#arrivals.at(ordinal).value
    if (!this.#isConverted) return { data, partitionKey, arrivedAt }
    const record = opened(data)
    return { ...record, partitionKey, arrivedAt: record.arrivedAt ?? arrivedAt }
  }

  /** Closes the file; nothing can be read any more. */
  close(): void {
    this.stop()
    closeSync(this.#fd)
  }

  // A compressed file, once, to where it can be read from anywhere.
  async #unpack(whole: boolean): Promise<void> {
    if (this.#unpacked) return
    if (!whole) {
      throw new UsageError(
        `Nothing can be added to ${this.name}, which is compressed or of another format than JSON lines.`,
      )
    }
    this.#unpacked = true
    for await (const piece of this.#pieces()) this.#write(piece)
  }

  // A source that was destroyed by `stop` is at its end.
  async *#pieces(): AsyncGenerator<Buffer, void, undefined> {
    if (this.#source === null) return
    const { otherKeys = (rule) => rule } = this.#options
    try {
      yield* converted(unpacked(this.#source, this.name), this.#format, this.name, () => {
        this.#isConverted = true
        this.#keyOf = otherKeys(envelopeKeys)
      })
    } catch (error) {
      if (this.#stopped) return
      if (error instanceof UsageError) throw error
      throw new UsageError(`Cannot read ${this.name}: ${(error as Error).message}.`, { cause: error })
    }
  }

  #write(piece: Buffer): void {
    for (let done = 0; done < piece.length; ) {
      const size = writeSync(this.#fd, piece, done, piece.length - done, this.#written)
      done += size
      this.#written += size
    }
  }

  #take(chunk: Buffer): void {
    this.#now = Date.now()
    const text = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let start = 0
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, start)) {
      this.#add(text, start, end)
      start = end + 1
    }
    this.#scanned += start
    this.#rest = Buffer.from(text.subarray(start))
    if (this.#rest.length > (this.#isConverted ? 2 : 1) * LARGEST_RECORD) {
      const odd = notNdjson(this.#rest, this.name) ?? (this.#rest[0] === BRACKET ? oneArray(this.name) : null)
      throw new UsageError(
        (this.records === 0 ? odd : null) ??
          `${this.name}, line ${this.#line + 1} has more than ${LARGEST_RECORD} bytes: Kinesis takes records of up to 10 MiB.`,
      )
    }
  }

  #finish(): void {
    const rest = this.#rest
    this.#rest = EMPTY
    if (rest.length > 0) this.#add(rest, 0, rest.length)
    this.#scanned += rest.length
    if (this.#held !== null) throw new UsageError(oneArray(this.name))
    if (this.records > 0) return
    if (this.#scanned > 0) throw new UsageError(`${this.name} holds nothing but blank lines.`)
    throw new UsageError(
      this.name === 'standard input'
        ? 'Nothing came on standard input: pipe records into it, one JSON value a line, or name a file.'
        : `${this.name} is empty: there are no records in it.`,
    )
  }

  #release(): void {
    const held = this.#held
    this.#held = null
    if (held !== null) this.#options.onRecord(0, held.key, held.hashKey)
  }

  // The line from `start` to `end` of a text that begins where the scan has come to.
  #add(text: Buffer, start: number, end: number): void {
    this.#line += 1
    const offset = this.#scanned + start
    const begin = offset === 0 && text.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : start
    const line = text.subarray(begin, lineEnd(text, begin, end))
    if (isBlank(line)) return
    const known = this.#check(line, text, start)
    const key = (): string => known ?? this.#keyOf.of(line)
    const hashKey = this.#isConverted ? (): string | undefined => opened(line).hashKey : NONE
    const ordinal = this.records
    this.#lines.add(offset + begin - start, this.#scanned + end)
    if (this.#now !== this.#arrivedAt) this.#arrivals.push(ordinal, this.#now)
    this.#arrivedAt = this.#now
    this.#release()
    if (ordinal === 0 && line.toString('latin1').trimStart().startsWith('[')) {
      const partitionKey = key()
      this.#held = { key: () => partitionKey, hashKey }
    } else this.#options.onRecord(ordinal, key, hashKey)
  }

  #check(line: Buffer, text: Buffer, start: number): string | null {
    try {
      return this.#keyOf.check(line, this.#where)
    } catch (error) {
      const kind = this.records === 0 ? notNdjson(text.subarray(start), this.name) : null
      throw kind === null ? error : new UsageError(kind, { cause: error })
    }
  }
}

const NONE = (): undefined => undefined
const LOOK_TIME = 200
const CHUNK = 1024 * 1024
const NEWLINE = 0x0a
const BRACKET = 0x5b
const EMPTY: Buffer = Buffer.alloc(0)
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
