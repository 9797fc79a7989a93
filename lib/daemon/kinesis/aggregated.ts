// Records that the Kinesis Producer Library packed into one: a magic number, a protocol buffer with a table of keys and
// the records, and the MD5 of the buffer. Rule: what the daemon would not unpack stays one record; where a record in it
// belongs to another shard, the daemon drops the whole, and so do we.

import { createHash } from 'node:crypto'
import { covers, type HashRange, hashKey } from '../stream/hash-range.ts'

/** A user's record, and its place in the record of the stream. */
export interface UserRecord {
  readonly data: Buffer
  readonly partitionKey: string
  readonly subSequenceNumber: number
}

/** What a record of the stream consists of: of itself, where it is not aggregated. `range`: its shard's. */
export function userRecords(data: Buffer, partitionKey: string, range: HashRange): UserRecord[] {
  const whole = [{ data, partitionKey, subSequenceNumber: 0 }]
  const end = data.length - DIGEST
  if (end < MAGIC.length || !data.subarray(0, MAGIC.length).equals(MAGIC)) return whole
  const message = data.subarray(MAGIC.length, end)
  if (!createHash('md5').update(message).digest().equals(data.subarray(end))) return whole
  const packed = unpack(message)
  if (packed === null) return whole
  return packed.every(({ hash }) => covers(range, hash)) ? packed.map(({ record }) => record) : []
}

// Null where it is no such message after all.
function unpack(message: Buffer): { record: UserRecord; hash: bigint }[] | null {
  try {
    const fields = [...fieldsOf(message)]
    const texts = (number: number): string[] =>
      fields.flatMap((one) => (one.number === number ? [asBytes(one.value).toString('utf8')] : []))
    const keys = texts(1)
    const hashKeys = texts(2)
    return fields
      .filter(({ number }) => number === 3)
      .map(({ value }, at) => {
        const parts = new Map(
          [...fieldsOf(asBytes(value))].map((field) => [field.number, field.value] as const),
        )
        const partitionKey = keys[asNumber(parts.get(1))]
        const hashAt = parts.get(2)
        const explicit = hashAt === undefined ? undefined : hashKeys[asNumber(hashAt)]
        if (partitionKey === undefined) throw new RangeError('no such key')
        return {
          record: { data: asBytes(parts.get(3)), partitionKey, subSequenceNumber: at },
          hash: explicit === undefined ? hashKey(partitionKey) : BigInt(explicit),
        }
      })
  } catch {
    return null
  }
}

// The fields of a protocol buffer, as far as there are numbers and bytes.
function* fieldsOf(message: Buffer): Generator<{ number: number; value: number | Buffer }> {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; shift <= LARGEST_SHIFT; shift *= 128) {
      const byte = message.readUInt8(at++)
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a number is too long')
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const kind = tag % 8
    if (kind === 0) yield { number, value: varint() }
    else if (kind === 2) {
      const length = varint()
      if (at + length > message.length) throw new RangeError('cut short')
      yield { number, value: message.subarray(at, at + length) }
      at += length
    } else throw new RangeError(`wire type ${kind}`)
  }
}

function asBytes(value: number | Buffer | undefined): Buffer {
  if (!Buffer.isBuffer(value)) throw new RangeError('no bytes')
  return value
}

function asNumber(value: number | Buffer | undefined): number {
  if (typeof value !== 'number') throw new RangeError('no number')
  return value
}

const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2])
const DIGEST = 16
const LARGEST_SHIFT = 128 ** 7
