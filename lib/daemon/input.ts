// The input: NDJSON, of which only an index is kept in memory (where each record's line begins, how long it is,
// when it was read), so that millions of lines cost a few bytes each and any of them can be read again.
// What cannot be read again (stdin, a pipe) is written to a temporary file first, which has no name any more by
// the time it is used. Rule: every line is checked before it becomes a record.

import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { UsageError } from '../errors.ts'
import { Column } from './column.ts'
import { isBlank, type KeyOf, LARGEST_RECORD } from './record-line.ts'

/** Where the lines come from. */
export interface InputOptions {
  /** A file, or `-` for standard input. */
  readonly file: string
  readonly keyOf: KeyOf
  /** Told of each record as it is found: its number, from 0, and its partition key. */
  readonly onRecord: (ordinal: number, partitionKey: string) => void
  readonly stdin?: Readable
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
  #scanned = 0
  #rest: Buffer = EMPTY
  #line = 0

  /** Throws `UsageError` when there is no such file or it cannot be read. */
  constructor(options: InputOptions) {
    this.#options = options
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
    const chunk = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const size = readSync(this.#fd, chunk, 0, CHUNK, this.#scanned + this.#rest.length)
      if (size === 0) break
      this.#take(chunk.subarray(0, size))
      // Let signals and the consumers' messages in between.
      await new Promise(setImmediate)
    }
    if (whole) this.#takeRest()
  }

  /** Reads a stream to its end; `hold` is awaited between two pieces, and so slows the source down. */
  async drain(hold: () => Promise<void>): Promise<void> {
    let written = 0
    for await (const piece of this.#source ?? []) {
      const chunk = piece as Buffer
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

  close(): void {
    this.#source?.destroy()
    closeSync(this.#fd)
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

function openInput(file: string): number {
  try {
    const fd = openSync(file, 'r')
    if (!fstatSync(fd).isDirectory()) return fd
    closeSync(fd)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : code
    throw new UsageError(`Cannot read ${file}: ${reason}.`, { cause: error })
  }
  throw new UsageError(`Cannot read ${file}: it is a folder.`)
}

// Without its name, the file is gone when the last descriptor is, however this process ends.
function openSpool(): number {
  const file = join(tmpdir(), `kcl-session-${randomUUID()}`)
  try {
    const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
    if (process.platform !== 'win32') unlinkSync(file)
    return fd
  } catch (error) {
    throw new UsageError(
      `Cannot write to ${tmpdir()}, which keeps what is read from a pipe: ${String(error)}`,
      {
        cause: error,
      },
    )
  }
}

const CHUNK = 1024 * 1024
const NEWLINE = 0x0a
const RETURN = 0x0d
const EMPTY: Buffer = Buffer.alloc(0)
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
