// The formats of an input besides JSON lines as they are, each as a way to turn it into lines that hold records whole.
// Rule: what is asked for is believed, and told where it is not so; unasked, only records that somebody kept are known.

import { UsageError } from '../../../errors.ts'
import { isBlank, keyRule, LARGEST_RECORD, lineEnd } from '../record-line.ts'
import { rejoin } from '../unpack.ts'
import { envelope, type InputRecord } from './envelope.ts'
import { type Fields, recordOf } from './fields.ts'
import { keptAs, type LineReader, mayBeKept, recordLines, transcriptLines } from './kept-records.ts'

/** The names of the formats. */
export const FORMATS = ['json', 'text', 'base64', 'frames', 'records', 'transcript'] as const
export type FormatName = (typeof FORMATS)[number]

/** What an input is, and what its fields mean. */
export interface Format extends Fields {
  /** Undefined: JSON lines, or kept records where it begins like them. */
  readonly format?: FormatName | undefined
}

/** Turns an input into lines that `opened` opens. */
export type Converter = (
  pieces: AsyncIterable<Buffer>,
  name: string,
) => AsyncGenerator<Buffer, void, undefined>

/** The converter that a format needs; null for JSON lines, which are records as they are. */
export function converterFor({ format = 'json', ...fields }: Format): Converter | null {
  if (format === 'records') return byLines(recordLines)
  if (format === 'transcript') return byLines(transcriptLines)
  if (format === 'frames') return byFrames(fields)
  if (format === 'base64') {
    return byBytes((line, where) => recordOf(fromBase64(line, where), fields, where))
  }
  if (format === 'text') return byBytes((line, where) => recordOf(line, fields, where))
  const { data, time, explicitHashKey, gzip } = fields
  const isPlain = (data ?? time ?? explicitHashKey) === undefined && gzip !== true
  if (isPlain) return null
  const rule = keyRule(undefined)
  return byBytes((line, where) => {
    rule.check(line, () => where)
    return recordOf(line, fields, where)
  })
}

/** Whether an input of this format, which begins like this, is not read as it is. */
export function needsConverting(format: Format, head: Buffer): boolean {
  return chosen(format, head) !== null
}

/** The input, turned into lines that `opened` opens where it has to be: `begins` is called first then. */
export async function* converted(
  pieces: AsyncGenerator<Buffer>,
  format: Format,
  name: string,
  begins: () => void,
): AsyncGenerator<Buffer, void, undefined> {
  let head: Buffer = Buffer.alloc(0)
  while (chosen(format, head) === null && format.format === undefined && isTooShort(head)) {
    const { done, value } = await pieces.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  const whole = rejoin(head, pieces)
  const converter = chosen(format, head)
  if (converter === null) {
    yield* whole
    return
  }
  begins()
  yield* converter(whole, name)
}

// Fields that are asked for are those of JSON lines.
function chosen(format: Format, head: Buffer): Converter | null {
  return converterFor(format) ?? (format.format === undefined ? recognised(head) : null)
}

/** The converter for an input that begins like this, if it needs one. */
export function recognised(head: Buffer): Converter | null {
  const kept = keptAs(head.toString('utf8'))
  return kept === null ? null : converterFor({ format: kept })
}

/** Whether more of the beginning is needed to recognise it. */
export function isTooShort(head: Buffer): boolean {
  return head.length < LONGEST_HEAD && mayBeKept(head.toString('utf8'))
}

function byLines(reader: () => LineReader): Converter {
  return async function* convert(pieces, name) {
    const read = reader()
    for await (const { line, where } of linesOf(pieces, name)) {
      for (const record of read(line.toString('utf8'), where)) yield envelope(record)
    }
  }
}

function byBytes(read: (line: Buffer, where: string) => InputRecord): Converter {
  return async function* convert(pieces, name) {
    for await (const { line, where } of linesOf(pieces, name)) {
      if (!isBlank(line)) yield envelope(read(line, where))
    }
  }
}

// Each record with its length in front, in four bytes, the highest first.
function byFrames(fields: Fields): Converter {
  return async function* convert(pieces, name) {
    let rest: Buffer = Buffer.alloc(0)
    let count = 1
    for await (const piece of pieces) {
      rest = Buffer.concat([rest, piece])
      for (; rest.length >= PREFIX; count += 1) {
        const length = rest.readUInt32BE(0)
        const where = `${name}, record ${count}`
        if (length > LARGEST_RECORD) {
          throw new UsageError(
            `${where} has ${length} bytes, if the four in front are its length: Kinesis takes up to 10 MiB. Are these binary frames?`,
          )
        }
        if (rest.length < PREFIX + length) break
        yield envelope(recordOf(rest.subarray(PREFIX, PREFIX + length), fields, where))
        rest = rest.subarray(PREFIX + length)
      }
    }
    if (rest.length > 0) throw new UsageError(`${name} ends in the middle of record ${count}.`)
  }
}

async function* linesOf(
  pieces: AsyncIterable<Buffer>,
  name: string,
): AsyncGenerator<{ line: Buffer; where: string }, void, undefined> {
  let rest: Buffer[] = []
  let number = 0
  for await (const piece of pieces) {
    let start = 0
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      number += 1
      yield {
        line: trimmed(Buffer.concat([...rest, piece.subarray(start, end)])),
        where: `${name}, line ${number}`,
      }
      rest = []
      start = end + 1
    }
    rest.push(Buffer.from(piece.subarray(start)))
  }
  const last = Buffer.concat(rest)
  if (last.length > 0) yield { line: trimmed(last), where: `${name}, line ${number + 1}` }
}

function trimmed(line: Buffer): Buffer {
  return line.subarray(0, lineEnd(line, 0, line.length))
}

function fromBase64(line: Buffer, where: string): Buffer {
  const text = line.toString('latin1').trim()
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0) return Buffer.from(text, 'base64')
  throw new UsageError(`${where} is not base64.`)
}

const PREFIX = 4
const LONGEST_HEAD = 4096
const NEWLINE = 0x0a
