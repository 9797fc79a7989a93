// The words of the protocol: what the daemon may say and what we answer. Pure: text in, values out.
// Fields we do not know are ignored. A required field that is missing or of another kind is the daemon's
// fault, and fails loudly: a guess could acknowledge records that nobody saw.

import { DaemonProtocolError } from '../errors.ts'
import { type CutLine, parseLine } from './line.ts'

/** A place in a shard. Sequence numbers are decimal digits, up to 56 of them: strings, never numbers. */
export interface Position {
  readonly sequenceNumber: string
  /** Counts the user records inside one aggregated record from 0; 0 elsewhere. */
  readonly subSequenceNumber: number
}

/** Where this process starts in its shard. */
export interface Shard {
  readonly shardId: string
  /** The last stored checkpoint: digits, or `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP` for a new lease; null if unknown. */
  readonly sequenceNumber: string | null
  readonly subSequenceNumber: number
}

/** A record as it stands on the wire. `data` is base64. */
export interface WireRecord extends Position {
  readonly data: string | null
  readonly partitionKey: string
  /** Milliseconds since the epoch. */
  readonly approximateArrivalTimestamp: number | null
}

/** The lines that want a status from us, by the meaning they have today. */
export type ActionName = 'initialize' | 'processRecords' | 'shutdownRequested' | 'shardEnded' | 'leaseLost'

/** What a line of the daemon says. `wireName` is the name that the status has to repeat. */
export type Message =
  | { readonly action: 'initialize'; readonly wireName: string; readonly shard: Shard }
  | {
      readonly action: 'processRecords'
      readonly wireName: string
      /** The receiver's own, to keep and to change. */
      readonly records: WireRecord[]
      readonly millisBehindLatest: number | null
    }
  | { readonly action: 'shutdownRequested' | 'shardEnded' | 'leaseLost'; readonly wireName: string }
  | { readonly action: 'checkpoint'; readonly error: string | null }

/** Reads one line of the daemon. Throws DaemonProtocolError with the action and the field that is wrong. */
export function parseMessage(line: string | CutLine): Message {
  const fields = parseObject(line)
  const wireName = fields.action
  if (typeof wireName !== 'string') throw missing('a line', 'action', fields.action)
  switch (wireName) {
    case 'initialize':
      return { action: wireName, wireName, shard: readShard(fields) }
    case 'processRecords':
      return {
        action: wireName,
        wireName,
        records: readRecords(fields.records),
        millisBehindLatest: optionalNumber(wireName, 'millisBehindLatest', fields.millisBehindLatest),
      }
    case 'shutdownRequested':
    case 'shardEnded':
    case 'leaseLost':
      return { action: wireName, wireName }
    case 'shutdown':
      return { action: readReason(fields.reason), wireName }
    case 'checkpoint':
      return { action: wireName, error: optionalString(wireName, 'error', fields.error) }
    default:
      throw new DaemonProtocolError(
        `The daemon sent the action ${quote(wireName)}, which this version of kcl-session does not know. ` +
          'Nothing was answered: a wrong status could lose records. A newer version may know it.',
      )
  }
}

/** The status line for an action. The newline in front keeps it apart from stray text on the same pipe. */
export function statusText(wireName: string): string {
  // Nearly all are of one kind.
  return wireName === 'processRecords' ? PROCESSED : statusOf(wireName)
}

/** The line that asks for a checkpoint; null means the end of what was delivered, which only a shard's end may say. */
export function checkpointText(position: Position | null): string {
  if (position === null) return frame({ action: 'checkpoint' })
  const { sequenceNumber, subSequenceNumber } = position
  return frame({ action: 'checkpoint', sequenceNumber, subSequenceNumber })
}

/** The rule for what may be sent as a sequence number: names such as LATEST would lose data. */
export function isSequenceNumber(value: unknown): value is string {
  return typeof value === 'string' && DIGITS.test(value)
}

function statusOf(wireName: string): string {
  // Names that we know need no escaping.
  return `\n{"action":"status","responseFor":"${wireName}"}\n`
}

function frame(message: Record<string, string | number>): string {
  return `\n${JSON.stringify(message)}\n`
}

function parseObject(line: string | CutLine): Record<string, unknown> {
  let value: unknown
  try {
    value = parseLine(line)
  } catch (cause) {
    throw new DaemonProtocolError(
      `The daemon sent a line that is not JSON: ${excerpt(textOf(line))}. Does something else write to this pipe?`,
      { cause },
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DaemonProtocolError(
      `The daemon sent a line that is not a JSON object: ${excerpt(textOf(line))}.`,
    )
  }
  return value as Record<string, unknown>
}

function textOf(line: string | CutLine): string {
  return typeof line === 'string' ? line : line.whole()
}

function readShard(fields: Record<string, unknown>): Shard {
  if (typeof fields.shardId !== 'string') throw missing('initialize', 'shardId', fields.shardId)
  return {
    shardId: fields.shardId,
    sequenceNumber: optionalString('initialize', 'sequenceNumber', fields.sequenceNumber),
    subSequenceNumber: optionalNumber('initialize', 'subSequenceNumber', fields.subSequenceNumber) ?? 0,
  }
}

// The very objects of JSON.parse, checked and completed: a batch may have ten thousand, and a copy of each is felt.
function readRecords(value: unknown): WireRecord[] {
  if (!Array.isArray(value)) throw missing('processRecords', 'records', value)
  const records: unknown[] = value
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index]
    if (typeof record !== 'object' || record === null) {
      throw missing('processRecords', `records[${index}]`, record)
    }
    const wrong = completeRecord(record)
    if (wrong !== null) throw badField(record, index, wrong)
  }
  return records as WireRecord[]
}

// Answers the field that is not as it should be; null where all are.
function completeRecord(record: UncheckedRecord): keyof WireRecord | null {
  record.data ??= null
  record.subSequenceNumber ??= 0
  record.approximateArrivalTimestamp ??= null
  const { data, subSequenceNumber, approximateArrivalTimestamp: time } = record
  if (!isSequenceNumber(record.sequenceNumber)) return 'sequenceNumber'
  if (typeof record.partitionKey !== 'string') return 'partitionKey'
  if (data !== null && typeof data !== 'string') return 'data'
  if (!Number.isSafeInteger(subSequenceNumber) || (subSequenceNumber as number) < 0)
    return 'subSequenceNumber'
  if (time !== null && typeof time !== 'number') return 'approximateArrivalTimestamp'
  return null
}

function badField(record: UncheckedRecord, index: number, field: keyof WireRecord): DaemonProtocolError {
  return missing('processRecords', `records[${index}].${field}`, record[field], EXPECTED[field])
}

type UncheckedRecord = { -readonly [Field in keyof WireRecord]?: unknown }

// Daemons of the 1.x line told the end of a shard and the loss of a lease in one action.
function readReason(reason: unknown): 'shardEnded' | 'leaseLost' {
  if (reason === 'TERMINATE') return 'shardEnded'
  if (reason === 'ZOMBIE') return 'leaseLost'
  throw missing('shutdown', 'reason', reason, 'TERMINATE or ZOMBIE')
}

function optionalString(action: string, field: string, value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw missing(action, field, value, 'a string or null')
  return value
}

function optionalNumber(action: string, field: string, value: unknown): number | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number') throw missing(action, field, value, 'a number or null')
  return value
}

function missing(action: string, field: string, value: unknown, expected?: string): DaemonProtocolError {
  const what = value === undefined ? 'is missing' : `is ${excerpt(JSON.stringify(value))}`
  const instead = expected === undefined ? '' : `, not ${expected}`
  return new DaemonProtocolError(
    `The daemon sent ${action} in which "${field}" ${what}${instead}. Nothing was acknowledged.`,
  )
}

function excerpt(text: string): string {
  return text.length <= EXCERPT
    ? quote(text)
    : `${quote(text.slice(0, EXCERPT))} … (${text.length} characters)`
}

function quote(text: string): string {
  return JSON.stringify(text)
}

// What a field of a record should be.
const EXPECTED: { readonly [Field in keyof WireRecord]?: string } = {
  sequenceNumber: 'a string of digits',
  data: 'a string or null',
  subSequenceNumber: 'a whole number, 0 or more',
  approximateArrivalTimestamp: 'a number or null',
}

const PROCESSED = statusOf('processRecords')
const DIGITS = /^\d+$/
const EXCERPT = 120
