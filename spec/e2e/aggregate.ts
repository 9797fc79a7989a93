// An aggregated record as the Kinesis Producer Library writes it: a magic number, a protocol buffer with a table
// of keys and the user records, and the MD5 of the buffer.

import { createHash } from 'node:crypto'

/** One Kinesis record that holds all of these, under one partition key. */
export function aggregate(partitionKey: string, texts: readonly string[]): Buffer {
  const record = (text: string): Buffer => Buffer.concat([field(1, 0), field(3, Buffer.from(text))])
  const message = Buffer.concat([
    field(1, Buffer.from(partitionKey)),
    ...texts.map((text) => field(3, record(text))),
  ])
  return Buffer.concat([
    Buffer.from([0xf3, 0x89, 0x9a, 0xc2]),
    message,
    createHash('md5').update(message).digest(),
  ])
}

function field(number: number, value: number | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)])
  return Buffer.concat([varint((number << 3) | 2), varint(value.length), value])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}
