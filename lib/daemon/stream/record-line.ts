// One line of the input as one record of the stream: is it one, and what is its partition key.
// Rule: the bytes of the line are the record's data as they are; only the key is looked up in them.

import { Buffer, isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { UsageError } from '../../errors.ts'

/** The partition key of a line. `where` names the line in the `UsageError` that anything but a record gets. */
export type KeyOf = (line: Buffer, where: string) => string

/** Whether a line holds nothing: such lines are no records. */
export function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

/**
 * The key rule for a field at the top level of each line, or, without a field, for the MD5 of the line: keys that
 * are as good as random, and the same in every run.
 */
export function keyRule(field: string | undefined): KeyOf {
  return (line, where) => {
    const value = parseLine(line, where)
    const key = field === undefined ? digest(line) : keyFrom(value, field, where)
    if (line.length + Buffer.byteLength(key) > LARGEST_RECORD) {
      throw new UsageError(
        `${where} has ${line.length} bytes: Kinesis takes records of up to 10 MiB, the partition key included.`,
      )
    }
    return key
  }
}

function parseLine(line: Buffer, where: string): unknown {
  if (!isUtf8(line)) throw new UsageError(`${where} is not UTF-8, so it is not JSON.`)
  try {
    return JSON.parse(line.toString('utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${where} is not JSON: ${reason.slice(0, 200)}`)
  }
}

function keyFrom(value: unknown, field: string, where: string): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(
      `${where} is not an object, so it has no field "${field}" to take the partition key from.`,
    )
  }
  if (!Object.hasOwn(value, field)) {
    const fields = Object.keys(value)
    const has = fields.length === 0 ? 'no fields' : `the fields ${fields.slice(0, 20).join(', ')}`
    throw new UsageError(`${where} has no field "${field}" to take the partition key from; it has ${has}.`)
  }
  const key = (value as Record<string, unknown>)[field]
  if (typeof key !== 'string' && typeof key !== 'number') {
    const kind = key === null ? 'null' : Array.isArray(key) ? 'an array' : `a ${typeof key}`
    throw new UsageError(`${where}: the field "${field}" is ${kind}; a partition key is text or a number.`)
  }
  const text = String(key)
  const length = [...text].length
  if (length === 0 || length > LONGEST_KEY) {
    throw new UsageError(
      `${where}: the field "${field}" has ${length} characters; a partition key has 1 to ${LONGEST_KEY}.`,
    )
  }
  return text
}

function digest(line: Buffer): string {
  return createHash('md5').update(line).digest('hex')
}

/** The largest record that Kinesis takes, in bytes. */
export const LARGEST_RECORD: number = 10 * 1024 * 1024
const LONGEST_KEY = 256
