// What the fields of a JSON record say: its data, its key, when it arrived and where it belongs. Pure.

import { gzipSync } from 'node:zlib'
import { UsageError } from '../../../errors.ts'
import { inHex, LARGEST } from '../hash-range.ts'
import { md5 } from '../md5.ts'
import { keyRule, LARGEST_RECORD } from '../record-line.ts'
import type { InputRecord } from './envelope.ts'

/** The names of fields at the top level, where they are asked for. */
export interface Fields {
  readonly data?: string | undefined
  readonly key?: string | undefined
  readonly time?: string | undefined
  readonly explicitHashKey?: string | undefined
  /** Whether the data are compressed, each record by itself, as CloudWatch Logs does it. */
  readonly gzip?: boolean | undefined
}

/** The record that a payload makes. `where` names it in the `UsageError` that a field gets that is not there, or odd. */
export function recordOf(payload: Buffer, fields: Fields, where: string): InputRecord {
  const { data, key, time, explicitHashKey, gzip } = fields
  const needsJson = (data ?? key ?? time ?? explicitHashKey) !== undefined
  const known = needsJson ? keyRule(key).check(payload, () => where) : null
  const object = needsJson ? (JSON.parse(payload.toString('utf8')) as Record<string, unknown>) : {}
  const plain = data === undefined ? payload : dataFrom(field(object, data, 'the data', where))
  const record = {
    data: gzip === true ? gzipSync(plain) : plain,
    partitionKey: known ?? md5(plain),
    hashKey: explicitHashKey && hashFrom(field(object, explicitHashKey, 'the hash key', where), where),
    arrivedAt:
      time === undefined ? undefined : timeFrom(field(object, time, 'the arrival time', where), where),
  }
  if (record.data.length + Buffer.byteLength(record.partitionKey) > LARGEST_RECORD) {
    throw new UsageError(
      `${where} has ${record.data.length} bytes: Kinesis takes records of up to 10 MiB, the partition key included.`,
    )
  }
  return record
}

function field(object: Record<string, unknown>, name: string, what: string, where: string): unknown {
  if (typeof object === 'object' && object !== null && Object.hasOwn(object, name)) return object[name]
  throw new UsageError(`${where} has no field "${name}" to take ${what} from.`)
}

function dataFrom(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

// Numbers as large as hash keys lose digits in JSON.
function hashFrom(value: unknown, where: string): string {
  const isSafe = typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
  if (isSafe && /^\d{1,39}$/.test(String(value)) && BigInt(value) <= LARGEST) return inHex(BigInt(value))
  throw new UsageError(`${where}: a hash key is a whole number below 2^128, written as text.`)
}

/** A time in ISO 8601, or a number of seconds or milliseconds since 1970, in milliseconds. */
export function timeFrom(value: unknown, where: string): number {
  const time =
    typeof value === 'number' ? (value < SECONDS_END ? value * 1000 : value) : Date.parse(String(value))
  if (Number.isFinite(time) && time >= 0) return Math.round(time)
  throw new UsageError(`${where}: a time is ISO 8601, or seconds or milliseconds since 1970.`)
}

// Milliseconds of 1973 and later are above it, seconds up to the year 5138 below.
const SECONDS_END = 100_000_000_000
