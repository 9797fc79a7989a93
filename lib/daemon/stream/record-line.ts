// One line of the input as one record of the stream: is it one, and what is its partition key.
// Rule: the bytes of the line are the record's data as they are; only the key is looked up in them.

import { Buffer, isUtf8 } from 'node:buffer'
import { UsageError } from '../../errors.ts'
import { md5 } from './md5.ts'
import { plainKey } from './plain-key.ts'

/** The rule by which a line becomes a record and gets its partition key. */
export interface KeyOf {
  /**
   * Throws `UsageError`, naming the line by what `where` returns, for anything but a record. Returns the key where the check has
   * come upon it, else null: then `of` is asked if and when it is needed.
   */
  check(line: Buffer, where: () => string): string | null
  /** The key of a line that was checked. */
  of(line: Buffer): string
}

/** Where a line from `begin` to its newline at `end` ends: a return in front of the newline is no part of it. */
export function lineEnd(text: Buffer, begin: number, end: number): number {
  return end > begin && text[end - 1] === RETURN ? end - 1 : end
}

/** Whether a line holds nothing: such lines are no records. */
export function isBlank(line: Buffer): boolean {
  // Not by destructuring, which makes an iterator, nor by at(): this is asked of every line.
  const first = line[0]
  return first === undefined || (isSpace(first) && line.every(isSpace))
}

/**
 * The key rule for a field at the top level of each line, or, without a field, for the MD5 of the line: keys that
 * are as good as random, and the same in every run.
 */
export function keyRule(field: string | undefined): KeyOf {
  const find = plainKey(field ?? '')
  return {
    check(line, where) {
      const value = parseLine(line, where)
      const key = field === undefined ? null : keyFrom(value, field, where, line)
      if (isTooLarge(line, key)) {
        throw new UsageError(
          `${where()} has ${line.length} bytes: Kinesis takes records of up to 10 MiB, the partition key included.`,
        )
      }
      return key
    },
    of(line) {
      if (field === undefined) return md5(line)
      return find(line) ?? keyFrom(parseLine(line, ANY), field, ANY, line)
    },
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === RETURN
}

function isTooLarge(line: Buffer, key: string | null): boolean {
  // For nearly all lines the key does not matter.
  if (line.length + 4 * LONGEST_KEY <= LARGEST_RECORD) return false
  return line.length + (key === null ? MD5_LENGTH : Buffer.byteLength(key)) > LARGEST_RECORD
}

function parseLine(line: Buffer, where: () => string): unknown {
  const text = line.toString('utf8')
  // What is no UTF-8 becomes U+FFFD, which may also have been there.
  if (text.includes('\ufffd') && !isUtf8(line)) {
    throw new UsageError(`${where()} is not UTF-8, so it is not JSON.`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${where()} is not JSON: ${reason.slice(0, 200)}`)
  }
}

function keyFrom(value: unknown, field: string, where: () => string, line: Buffer): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(
      `${where()} is not an object, so it has no field "${field}" to take the partition key from.`,
    )
  }
  if (!Object.hasOwn(value, field)) {
    const fields = Object.keys(value)
    const has = fields.length === 0 ? 'no fields' : `the fields ${fields.slice(0, 20).join(', ')}`
    throw new UsageError(`${where()} has no field "${field}" to take the partition key from; it has ${has}.`)
  }
  const key = (value as Record<string, unknown>)[field]
  if (typeof key !== 'string' && typeof key !== 'number') {
    const kind = key === null ? 'null' : Array.isArray(key) ? 'an array' : `a ${typeof key}`
    throw new UsageError(`${where()}: the field "${field}" is ${kind}; a partition key is text or a number.`)
  }
  const text = typeof key === 'number' ? asWritten(key, field, line) : key
  if (text.length === 0 || text.length > LONGEST_KEY) {
    // Characters beyond U+FFFF are two of a string's units.
    const { length } = [...text]
    if (length > 0 && length <= LONGEST_KEY) return text
    throw new UsageError(
      `${where()}: the field "${field}" has ${length} characters; a partition key has 1 to ${LONGEST_KEY}.`,
    )
  }
  return text
}

// A number beyond 2^53 loses digits when it is parsed, and so it is looked up in the line.
function asWritten(key: number, field: string, line: Buffer): string {
  if (Number.isSafeInteger(key)) return String(key)
  const named = JSON.stringify(field).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const numbers = line.toString('utf8').matchAll(new RegExp(`${named}\\s*:\\s*(-?\\d[\\d.eE+-]*)`, 'g'))
  for (const [, text = ''] of numbers) if (Number(text) === key) return text
  return String(key)
}

const RETURN = 0x0d
/** The largest record that Kinesis takes, in bytes. */
export const LARGEST_RECORD: number = 10 * 1024 * 1024
// In characters, of up to four bytes each.
const LONGEST_KEY = 256
const MD5_LENGTH = 32
const ANY = (): string => 'a line'
