// Puts records into a stream in their order: a batch holds one record per partition key, and the next batch is
// sent when this one is stored whole. PutRecords may refuse single records, and one that was refused would
// otherwise come to lie behind a later one of its key.

import { type AwsCall, mayRetry } from '../aws/client.ts'
import { UsageError } from '../errors.ts'
import type { Clock } from '../time.ts'

/** One record to put. */
export interface OutgoingRecord {
  readonly data: Buffer
  readonly partitionKey: string
  /** In hex, where it is not to be the MD5 of the key. */
  readonly hashKey?: string | undefined
}

/** What to put where. */
export interface PutOptions {
  readonly kinesis: AwsCall
  /** The stream, by its name or its ARN. */
  readonly stream: string
  readonly records: Iterable<OutgoingRecord>
  readonly clock: Clock
  /** Told after each batch. */
  readonly onProgress?: (stored: number) => void
}

/** Puts every record, and returns how many; throws UsageError where one is refused again and again. */
export async function putRecords(options: PutOptions): Promise<number> {
  let stored = 0
  for (const batch of batches(options.records)) {
    await putBatch(batch, stored, options)
    stored += batch.length
    options.onProgress?.(stored)
  }
  return stored
}

/** Throws UsageError for the first record that is larger than the stream takes, in bytes with its key. */
export function refuseUnfit(records: Iterable<OutgoingRecord>, most: number): void {
  let ordinal = 0
  for (const { data, partitionKey } of records) {
    ordinal++
    const bytes = data.length + Buffer.byteLength(partitionKey)
    if (bytes > most) {
      throw new UsageError(
        `Record ${ordinal} has ${bytes} bytes with its key; the stream takes at most ${most}. Nothing was sent.`,
      )
    }
  }
}

/** Cuts records into batches: none with a key twice, none above the limits of PutRecords. */
export function* batches(records: Iterable<OutgoingRecord>): Generator<OutgoingRecord[]> {
  let batch: OutgoingRecord[] = []
  let bytes = 0
  const keys = new Set<string>()
  for (const record of records) {
    const size = record.data.length + Buffer.byteLength(record.partitionKey)
    if (
      batch.length === MOST_RECORDS ||
      (batch.length > 0 && bytes + size > MOST_BYTES) ||
      keys.has(record.partitionKey)
    ) {
      yield batch
      batch = []
      bytes = 0
      keys.clear()
    }
    batch.push(record)
    bytes += size
    keys.add(record.partitionKey)
  }
  if (batch.length > 0) yield batch
}

async function putBatch(
  batch: readonly OutgoingRecord[],
  before: number,
  options: PutOptions,
): Promise<void> {
  let left = batch
  for (let attempt = 1; ; attempt++) {
    const { failed, reason } = await tryBatch(left, before + batch.length - left.length, options)
    if (failed.length === 0) return
    if (attempt === ATTEMPTS) {
      const stored = before + batch.length - failed.length
      throw new UsageError(`${stored} records are stored; the next was refused ${ATTEMPTS} times: ${reason}`)
    }
    left = failed
    const delay = Math.min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY) * (0.5 + Math.random() / 2)
    await new Promise<void>((resolve) => options.clock.after(delay, resolve))
  }
}

async function tryBatch(
  batch: readonly OutgoingRecord[],
  before: number,
  { kinesis, stream }: PutOptions,
): Promise<{ failed: OutgoingRecord[]; reason: string }> {
  const request = {
    ...(stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream }),
    Records: batch.map(({ data, partitionKey, hashKey }) => ({
      Data: data.toString('base64'),
      PartitionKey: partitionKey,
      ...(hashKey !== undefined && { ExplicitHashKey: BigInt(`0x${hashKey}`).toString() }),
    })),
  }
  try {
    const answer = (await kinesis('PutRecords', request)) as { Records?: PutResult[] }
    const results = answer.Records ?? []
    // Where there was no error the field is missing, or null on kinesis-local.
    const failed = batch.filter((_, at) => results[at] === undefined || results[at].ErrorCode)
    const first = results.find(({ ErrorCode }) => ErrorCode)
    if (first?.ErrorCode && !PASSING.test(first.ErrorCode)) {
      throw new UsageError(
        `${before + batch.length - failed.length} records are stored; the stream does not take the next: ${first.ErrorCode}: ${first.ErrorMessage}`,
      )
    }
    return { failed, reason: `${first?.ErrorCode}: ${first?.ErrorMessage}` }
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (!mayRetry(error)) throw notStored(error, before)
    return { failed: [...batch], reason: said(error) }
  }
}

function notStored(error: unknown, before: number): UsageError {
  const stored = before === 0 ? '' : ` after ${before}`
  return new UsageError(`The stream does not take the records${stored}. ${said(error)}`, { cause: error })
}

function said(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return error instanceof Error ? `${error.message}${cause}` : String(error)
}

interface PutResult {
  readonly ErrorCode?: string | null
  readonly ErrorMessage?: string | null
}

// What Kinesis says of a record that it may take later; anything else it will not take at all.
const PASSING = /Throughput|Throttl|InternalFailure|LimitExceeded|ServiceUnavailable/
const MOST_RECORDS = 500
// The limit is 10 MiB; what a request is made of besides the data counts too.
const MOST_BYTES = 4 * 1024 * 1024
const ATTEMPTS = 10
const FIRST_DELAY = 100
const LONGEST_DELAY = 5000
