// Records that were read from a stream and may be wanted again: written to temporary files, of which each is given
// up when all that is in it is checkpointed. Rule: in memory there are a few bytes for each record, however large.

import { closeSync, readSync, writeSync } from 'node:fs'
import type { LeasePosition } from '../conversation/messages.ts'
import { Column } from '../stream/column.ts'
import { openSpool } from '../stream/input-file.ts'
import type { RecordReader } from '../stream/stream.ts'

/** One record of a stream, as it is kept. */
export interface KeptRecord extends LeasePosition {
  readonly data: Buffer
  readonly partitionKey: string
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
}

/** Numbered records on disk. */
export class Spool implements RecordReader {
  readonly #segmentSize: number
  readonly #segments: Segment[] = []
  readonly #segmentOf = new Column((size) => new Uint32Array(size))
  readonly #offsets = new Column((size) => new Float64Array(size))
  readonly #headers = new Column((size) => new Uint32Array(size))
  readonly #lengths = new Column((size) => new Uint32Array(size))

  /** `segmentSize`: how large a file grows before the next one is begun, in bytes. */
  constructor(segmentSize: number = SEGMENT) {
    this.#segmentSize = segmentSize
  }

  /** How many records were added. */
  get records(): number {
    return this.#offsets.length
  }

  /** How many files are open. */
  get files(): number {
    return this.#segments.filter(({ fd }) => fd !== null).length
  }

  /** Adds a record and returns its number. */
  append({ data, ...rest }: KeptRecord): number {
    const header = Buffer.from(JSON.stringify(rest))
    const segment = this.#current()
    const bytes = Buffer.concat([header, data])
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(open(segment), bytes, done, bytes.length - done, segment.size + done)
    }
    this.#segmentOf.push(this.#segments.length - 1)
    this.#offsets.push(segment.size)
    this.#headers.push(header.length)
    this.#lengths.push(bytes.length)
    segment.size += bytes.length
    segment.kept += 1
    return this.records - 1
  }

  read(ordinal: number): KeptRecord {
    const length = this.#headers.at(ordinal)
    const bytes = this.#bytes(ordinal, this.#lengths.at(ordinal))
    return { ...headerOf(bytes.subarray(0, length)), data: bytes.subarray(length) }
  }

  /** Where a record stands in its shard. */
  position(ordinal: number): LeasePosition {
    const { sequenceNumber, subSequenceNumber } = headerOf(this.#bytes(ordinal, this.#headers.at(ordinal)))
    return { sequenceNumber, subSequenceNumber }
  }

  /** A record that will not be read again. */
  release(ordinal: number): void {
    const segment = this.#segments[this.#segmentOf.at(ordinal)]
    if (segment === undefined) return
    segment.kept -= 1
    if (segment !== this.#segments.at(-1)) closeIfEmpty(segment)
  }

  close(): void {
    for (const segment of this.#segments) closeFile(segment)
  }

  #current(): Segment {
    const last = this.#segments.at(-1)
    if (last !== undefined && last.size < this.#segmentSize) return last
    if (last !== undefined) closeIfEmpty(last)
    const segment = { fd: openSpool(), size: 0, kept: 0 }
    this.#segments.push(segment)
    return segment
  }

  #bytes(ordinal: number, length: number): Buffer {
    const segment = this.#segments[this.#segmentOf.at(ordinal)]
    if (segment === undefined) throw new RangeError(`no record ${ordinal}`)
    const bytes = Buffer.allocUnsafe(length)
    for (let done = 0; done < length; ) {
      const size = readSync(open(segment), bytes, done, length - done, this.#offsets.at(ordinal) + done)
      if (size === 0) throw new RangeError(`record ${ordinal} was cut short`)
      done += size
    }
    return bytes
  }
}

interface Segment {
  fd: number | null
  size: number
  /** Records that may still be read. */
  kept: number
}

function open({ fd }: Segment): number {
  if (fd === null) throw new RangeError('the record was given up')
  return fd
}

function closeIfEmpty(segment: Segment): void {
  if (segment.kept === 0) closeFile(segment)
}

function closeFile(segment: Segment): void {
  if (segment.fd !== null) closeSync(segment.fd)
  segment.fd = null
}

function headerOf(bytes: Buffer): Omit<KeptRecord, 'data'> {
  return JSON.parse(bytes.toString('utf8')) as Omit<KeptRecord, 'data'>
}

const SEGMENT = 64 * 1024 * 1024
