// What the daemon delivers: batches of one shape, as the one line that it would write for each.

import { randomBytes } from 'node:crypto'

/** Batches of `records` records of `bytes` bytes. */
export interface Shape {
  readonly name: string
  readonly records: number
  readonly bytes: number
}

const KIB = 1024
const MIB = 1024 * KIB

/** The shapes of the table. */
export const SHAPES: readonly Shape[] = [
  { name: '1000 × 1 KiB', records: 1000, bytes: KIB },
  { name: '10,000 × 100 B', records: 10_000, bytes: 100 },
  { name: '100 × 50 B', records: 100, bytes: 50 },
  { name: '1 × 200 B', records: 1, bytes: 200 },
  { name: '10 × 1 MiB', records: 10, bytes: MIB },
]

/** What grows in the tables of growth: the size of a batch, and that of a record. */
export const BATCH_SIZES: readonly Shape[] = [1, 10, 100, 1000, 10_000].map((records) => ({
  name: `${records.toLocaleString('en-US')} × 100 B`,
  records,
  bytes: 100,
}))
export const RECORD_SIZES: readonly Shape[] = [
  { name: '100 × 0 B', records: 100, bytes: 0 },
  { name: '100 × 100 B', records: 100, bytes: 100 },
  { name: '100 × 1 KiB', records: 100, bytes: KIB },
  { name: '100 × 10 KiB', records: 100, bytes: 10 * KIB },
  { name: '10 × 100 KiB', records: 10, bytes: 100 * KIB },
  { name: '10 × 1 MiB', records: 10, bytes: MIB },
]

/** The line that delivers a batch of this shape, its fields in the order of the real daemon. */
export function deliveryOf({ records, bytes }: Shape): Buffer {
  const first = 49_680_480_319_403_912_442_001_526_115_259_024_566_756_210_903_642_800_130n
  const batch = Array.from({ length: records }, (_, index) => ({
    data: randomBytes(bytes).toString('base64'),
    partitionKey: `customer-${randomBytes(4).toString('hex')}`,
    sequenceNumber: String(first + BigInt(index) * 1_208_925_819_614_629n),
    approximateArrivalTimestamp: 1_795_408_085_777 + index,
    subSequenceNumber: 0,
    action: 'record',
  }))
  return line({ action: 'processRecords', records: batch, millisBehindLatest: 0 })
}

/** A line of the daemon. */
export function line(message: object): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`)
}
