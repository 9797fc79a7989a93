// What a test daemon hands over, and what it refuses to, because the real one never sends it: a consumer that is tested
// with the impossible is tested for nothing. Rule: within a lease positions only go up, from its checkpoint on.

import { comparePositions, show, TRIM_HORIZON } from '../daemon/conversation/checkpointer.ts'
import type { DeliveredRecord, LeasePosition } from '../daemon/conversation/messages.ts'
import { SequenceNumbers } from '../daemon/stream/sequence-number.ts'
import { UsageError } from '../errors.ts'
import { KinesisRecord } from '../record.ts'

/** A record to deliver: text, bytes, or an object with `data` or `json` and what else should be set. */
export type TestRecord =
  | string
  | Uint8Array
  | (TestRecordFields & { readonly data: string | Uint8Array | null; readonly json?: never })
  | (TestRecordFields & { readonly json: unknown; readonly data?: never })

/** What a record has besides its data. */
export interface TestRecordFields {
  /** 1 to 256 characters. */
  readonly partitionKey?: string | undefined
  /** Digits; each record stands behind the one before it, by default too. */
  readonly sequenceNumber?: string | undefined
  /** Counts from 0 in records that the KPL has packed under one sequence number. */
  readonly subSequenceNumber?: number | undefined
  /** Milliseconds since the epoch, or null. */
  readonly timestamp?: number | null | undefined
}

/**
 * A record as a batch has it, for a test of the handler alone. Throws `UsageError` for what no stream has.
 *
 * @example
 * await handle(testRecord({ json: { id: 1 }, partitionKey: 'a' }))
 */
export function testRecord(record: TestRecord): KinesisRecord {
  const [made] = new Delivery(TRIM_HORIZON).make([record], null)
  if (made === undefined) throw new UsageError(NO_RECORD)
  return new KinesisRecord(made)
}

/** Makes the records of one lease. */
export class Delivery {
  readonly #numbers = new SequenceNumbers(1_700_000_000_000)
  #last: LeasePosition
  #made = 0

  /** Throws `UsageError` where no lease stands at such a checkpoint. */
  constructor(checkpoint: LeasePosition) {
    const { sequenceNumber, subSequenceNumber } = checkpoint
    const isNew = NEW_LEASE.includes(sequenceNumber)
    if (!isNew && !SEQUENCE_NUMBER.test(sequenceNumber)) {
      throw refusal(
        `a lease with the checkpoint "${sequenceNumber}"`,
        `it is digits, or ${NEW_LEASE.join(', ')}`,
      )
    }
    if (!isCount(subSequenceNumber)) {
      throw refusal(`a checkpoint with the sub-sequence number ${subSequenceNumber}`, 'it counts from 0')
    }
    this.#last = checkpoint
  }

  /** The records of a batch, as they go over the wire. Throws `UsageError`; then the batch counts as never made. */
  make(records: readonly TestRecord[], millisBehindLatest: number | null): DeliveredRecord[] {
    if (millisBehindLatest !== null && !isCount(millisBehindLatest)) {
      throw refusal(
        `millisBehindLatest: ${millisBehindLatest}`,
        'it is whole milliseconds from 0 on, or null',
      )
    }
    const before = { last: this.#last, made: this.#made }
    try {
      const made = records.map((record) => this.#record(record))
      checkSize(made)
      return made
    } catch (error) {
      this.#last = before.last
      this.#made = before.made
      throw error
    }
  }

  #record(record: TestRecord): DeliveredRecord {
    if (record === null || record === undefined) throw new UsageError(NO_RECORD)
    const fields = typeof record !== 'object' || record instanceof Uint8Array ? { data: record } : record
    const data = encode(fields)
    const {
      partitionKey = `key-${this.#made}`,
      sequenceNumber = this.#next(),
      subSequenceNumber = 0,
      timestamp = Date.now(),
    }: TestRecordFields = fields
    this.#check({ sequenceNumber, subSequenceNumber })
    const characters = [...partitionKey].length
    if (characters < 1 || characters > 256 || /\p{Surrogate}/u.test(partitionKey)) {
      throw refusal(
        `the partition key ${JSON.stringify(partitionKey)}`,
        'a key has 1 to 256 Unicode characters',
      )
    }
    if (timestamp !== null && !isCount(timestamp)) {
      throw refusal(`the timestamp ${timestamp}`, 'it is whole milliseconds since the epoch, or null')
    }
    this.#made += 1
    return { data, partitionKey, sequenceNumber, subSequenceNumber, approximateArrivalTimestamp: timestamp }
  }

  // The numbers of a stream, or, where the test has gone beyond them, the next after its own.
  #next(): string {
    const own = this.#numbers.of(0, this.#made)
    const { sequenceNumber } = this.#last
    if (NEW_LEASE.includes(sequenceNumber) || BigInt(own) > BigInt(sequenceNumber)) return own
    return String(BigInt(sequenceNumber) + 1n)
  }

  #check(position: LeasePosition): void {
    const { sequenceNumber, subSequenceNumber } = position
    if (!SEQUENCE_NUMBER.test(sequenceNumber)) {
      throw refusal(`the sequence number "${sequenceNumber}"`, 'it is digits, without zeros in front')
    }
    if (!isCount(subSequenceNumber)) {
      throw refusal(`the sub-sequence number ${subSequenceNumber}`, 'it counts from 0')
    }
    if (comparePositions(position, this.#last) <= 0) {
      const what = this.#made === 0 ? 'the checkpoint of the lease' : 'the record before it'
      throw refusal(
        `${show(position)} after ${show(this.#last)}, ${what}`,
        'within a lease positions only go up; for a record that comes again, begin a new TestDaemon at a checkpoint in front of it',
      )
    }
    this.#last = position
  }
}

function encode(
  fields: Exclude<TestRecord, string | Uint8Array> | { data: string | Uint8Array },
): string | null {
  const data = 'json' in fields && fields.json !== undefined ? JSON.stringify(fields.json) : fields.data
  if (data === null) return null
  if (typeof data === 'string' || data instanceof Uint8Array)
    return Buffer.from(data as string).toString('base64')
  throw new UsageError(NO_RECORD)
}

// What one read of a shard brings, at most.
function checkSize(records: readonly DeliveredRecord[]): void {
  const numbers = new Set(records.map(({ sequenceNumber }) => sequenceNumber)).size
  if (numbers > 10_000)
    throw refusal(`a batch of ${numbers} records`, 'one read of a shard brings up to 10,000')
  const bytes = records.reduce((sum, { data }) => sum + Buffer.byteLength(data ?? '', 'base64'), 0)
  if (bytes > LARGEST_READ)
    throw refusal(`a batch of ${bytes} bytes`, 'one read of a shard brings up to 10 MiB')
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function refusal(what: string, rule: string): UsageError {
  return new UsageError(`TestDaemon: the real daemon never sends ${what}: ${rule}.`)
}

const NO_RECORD =
  'A record is text, bytes, or an object with data (text, bytes or null) or json. For a JSON value write { json: value }.'
const SEQUENCE_NUMBER = /^(0|[1-9]\d{0,128})$/
// What stands for the checkpoint of a lease that has none yet.
const NEW_LEASE = ['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']
const LARGEST_READ = 10 * 1024 * 1024
