// Records that somebody kept: what `aws kinesis get-records` prints, the same with one record a line, and transcripts of
// conversations. They bring their bytes, keys and times with them. Pure: text in, records out.

import { UsageError } from '../../../errors.ts'
import type { DeliveredRecord } from '../../conversation/messages.ts'
import { ELIDED } from '../../conversation/transcript.ts'
import type { InputRecord } from './envelope.ts'
import { timeFrom } from './fields.ts'

/** Takes lines, one after the other, and gives the records that each completes. */
export type LineReader = (line: string, where: string) => InputRecord[]

/** Told from the beginning of an input; null for anything else. */
export function keptAs(head: string): 'records' | 'transcript' | null {
  if (
    /^\s*\{\s*"Records"\s*:\s*\[\s*(\{\s*"SequenceNumber"\s*:\s*"\d|\]\s*,\s*"NextShardIterator")/.test(head)
  )
    return 'records'
  if (/^(# [^\n]*\n)*> \{"action":"initialize"/.test(head)) return 'transcript'
  const [line = ''] = head.split('\n', 1)
  return isRecord(parsed(line)) ? 'records' : null
}

/** Whether more of the beginning is needed to tell. */
export function mayBeKept(head: string): boolean {
  return (
    !head.includes('\n') ||
    /^\s*\{\s*("Records"\s*:\s*(\[\s*\{?\s*)?)?$/.test(head) ||
    /^(# [^\n]*\n)+$/.test(head)
  )
}

/** Reads records, one a line, or documents of them over as many lines as they like. */
export function recordLines(): LineReader {
  let text = ''
  return (line, where) => {
    if (text === '' && line.trim() === '') return []
    text += `${line}\n`
    const value = line.startsWith('}') || text.length === line.length + 1 ? parsed(text) : undefined
    if (value === undefined) {
      if (!line.startsWith('}') && /^\s*\{/.test(text)) return []
      throw new UsageError(`${where} is no record, and not the end of what aws kinesis get-records prints.`)
    }
    text = ''
    const { Records } = (value ?? {}) as { Records?: unknown }
    return (Array.isArray(Records) ? Records : [value]).map((record) => kinesisRecord(record, where))
  }
}

/** Reads the records of a transcript, each once, however often it was delivered. */
export function transcriptLines(): LineReader {
  const seen = new Set<string>()
  return (line, where) => {
    if (!line.startsWith('> {"action":"processRecords"')) return []
    const message = parsed(line.slice(2)) as { records?: readonly DeliveredRecord[] } | undefined
    if (message?.records === undefined) throw new UsageError(`${where} is no line of a transcript.`)
    return message.records
      .filter(({ sequenceNumber, subSequenceNumber }) => {
        const id = `${sequenceNumber} ${subSequenceNumber}`
        return !seen.has(id) && seen.add(id)
      })
      .map(({ data, partitionKey, approximateArrivalTimestamp }) => {
        refuseElided(data, where)
        return {
          data: Buffer.from(data ?? '', 'base64'),
          partitionKey,
          arrivedAt: approximateArrivalTimestamp ?? undefined,
        }
      })
  }
}

function kinesisRecord(value: unknown, where: string): InputRecord {
  if (!isRecord(value)) throw new UsageError(`${where}: a record has Data, PartitionKey and SequenceNumber.`)
  refuseElided(value.Data, where)
  const time = value.ApproximateArrivalTimestamp
  return {
    data: Buffer.from(value.Data, 'base64'),
    partitionKey: value.PartitionKey,
    arrivedAt: time === undefined ? undefined : timeFrom(time, where),
  }
}

function refuseElided(data: string | null, where: string): void {
  if (data !== ELIDED) return
  throw new UsageError(`${where}: the data were left out when this was written, so there is nothing to read.`)
}

interface KinesisRecord {
  readonly Data: string
  readonly PartitionKey: string
  readonly ApproximateArrivalTimestamp?: unknown
}

function isRecord(value: unknown): value is KinesisRecord {
  const { Data, PartitionKey, SequenceNumber } = (value ?? {}) as Record<string, unknown>
  return typeof Data === 'string' && typeof PartitionKey === 'string' && /^\d+$/.test(String(SequenceNumber))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
