// A record whose data are not a line of the input: one line of JSON that holds its bytes, its key, and what else is
// known. Inputs of other formats are turned into such lines on the way in, and are read like any other from there on.

import type { KeyOf } from '../record-line.ts'

/** A record, whatever it was read from. */
export interface InputRecord {
  readonly data: Buffer
  readonly partitionKey: string
  /** In 32 hex digits, where it is not the MD5 of the key. */
  readonly hashKey?: string | undefined
  /** Milliseconds since the epoch, where it is known. */
  readonly arrivedAt?: number | undefined
}

/** One line, with its end. */
export function envelope({ data, partitionKey, hashKey, arrivedAt }: InputRecord): Buffer {
  const line = { d: data.toString('base64'), k: partitionKey, h: hashKey, t: arrivedAt }
  return Buffer.from(`${JSON.stringify(line)}\n`)
}

/** The record in such a line. */
export function opened(line: Buffer): InputRecord {
  const { d, k, h, t } = JSON.parse(line.toString('utf8')) as { d: string; k: string; h?: string; t?: number }
  return { data: Buffer.from(d, 'base64'), partitionKey: k, hashKey: h, arrivedAt: t }
}

/** The keys of such lines. */
export const envelopeKeys: KeyOf = {
  check: (line) => opened(line).partitionKey,
  of: (line) => opened(line).partitionKey,
}
