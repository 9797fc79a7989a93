// The wire as the Java daemon writes and reads it: its actions as Jackson prints them, and a consumer's line as
// Jackson would take it, strict where Jackson is strict and lenient where it is lenient.
// Rule: independent of protocol/, so that the two sides of the package check each other.

/** What the daemon can ask of a consumer. `shutdown` is the 1.x daemon's. */
export type DaemonAction =
  | 'initialize'
  | 'processRecords'
  | 'shutdownRequested'
  | 'leaseLost'
  | 'shardEnded'
  | 'shutdown'

/** A place in a shard as the lease table keeps it: digits, or a name such as `TRIM_HORIZON` or `SHARD_END`. */
export interface LeasePosition {
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
}

/** One record of a batch, as the daemon hands it over. */
export interface DeliveredRecord {
  /** The record's bytes in base64, or null. */
  readonly data: string | null
  readonly partitionKey: string
  readonly sequenceNumber: string
  /** Milliseconds since the epoch, or null. */
  readonly approximateArrivalTimestamp: number | null
  readonly subSequenceNumber: number
}

/** A consumer's checkpoint; null is what was left out. */
export interface CheckpointRequest {
  readonly sequenceNumber: string | null
  readonly subSequenceNumber: number | null
}

/** A consumer's line, as the daemon sees it. */
export type ConsumerLine =
  | { readonly kind: 'blank' }
  | { readonly kind: 'status'; readonly responseFor: string | null }
  | ({ readonly kind: 'checkpoint' } & CheckpointRequest)
  /** The JSON value null, over which the daemon stumbles. */
  | { readonly kind: 'null' }
  /** A line that the daemon skips; `why` says what it nearly was. */
  | { readonly kind: 'skipped'; readonly why: SkipReason; readonly detail: string }

/** Why a line is skipped: no message at all, or a message spoilt by what the text says. */
export type SkipReason = 'text' | 'glued' | 'extra-key' | 'malformed'

export function initializeLine(shardId: string, from: LeasePosition): string {
  const { sequenceNumber, subSequenceNumber } = from
  return JSON.stringify({ action: 'initialize', shardId, sequenceNumber, subSequenceNumber })
}

export function processRecordsLine(
  records: readonly DeliveredRecord[],
  millisBehindLatest: number | null,
): string {
  // By hand, not by JSON.stringify: with small records this is much of the daemon's work, and only keys need quoting.
  let line = '{"action":"processRecords","records":['
  for (const [at, record] of records.entries())
    line += at === 0 ? recordText(record) : `,${recordText(record)}`
  return `${line}],"millisBehindLatest":${millisBehindLatest}}`
}

function recordText(record: DeliveredRecord): string {
  const { partitionKey, sequenceNumber, approximateArrivalTimestamp, subSequenceNumber } = record
  const data = record.data === null ? 'null' : `"${record.data}"`
  const key = PLAIN_KEY.test(partitionKey) ? `"${partitionKey}"` : JSON.stringify(partitionKey)
  return `{"data":${data},"partitionKey":${key},"sequenceNumber":"${sequenceNumber}","approximateArrivalTimestamp":${approximateArrivalTimestamp},"subSequenceNumber":${subSequenceNumber},"action":"record"}`
}

export function plainLine(action: 'shutdownRequested' | 'leaseLost' | 'shardEnded'): string {
  return JSON.stringify({ action })
}

export function shutdownLine(reason: 'TERMINATE' | 'ZOMBIE'): string {
  return JSON.stringify({ action: 'shutdown', reason })
}

/** The answer to a checkpoint: the request again, and the exception's name or null. */
export function checkpointLine(request: CheckpointRequest, error: string | null): string {
  const { sequenceNumber, subSequenceNumber } = request
  return JSON.stringify({ action: 'checkpoint', sequenceNumber, subSequenceNumber, error })
}

/** Reads a consumer's line, without its line end. Never throws. */
export function readConsumerLine(line: string): ConsumerLine {
  if (line.trim() === '') return { kind: 'blank' }
  if (NULL_VALUE.test(line)) return { kind: 'null' }
  const read = readMessage(line.trimStart())
  if (read.kind !== 'skipped' || read.why !== 'text') return read
  // A message is one flat object, so a message behind other text begins at the last brace.
  const brace = line.lastIndexOf('{')
  if (brace > 0 && readMessage(line.slice(brace)).kind !== 'skipped') {
    return { kind: 'skipped', why: 'glued', detail: line.slice(0, brace) }
  }
  return read
}

function readMessage(text: string): ConsumerLine {
  const source = text.startsWith('{') ? firstObject(text) : undefined
  const message = source === undefined ? undefined : parse(source)
  if (source === undefined || message === undefined) return skipped('text', 'not a JSON object')
  const action = message.action
  if (action !== 'status' && action !== 'checkpoint') {
    return skipped('text', action === undefined ? 'no action' : `action ${JSON.stringify(action)}`)
  }
  const fields = FIELDS[action]
  const extra = Object.keys(message).find((key) => key !== 'action' && !fields.includes(key))
  if (extra !== undefined) return skipped('extra-key', extra)
  if (action === 'status') {
    const responseFor = asText(message, 'responseFor', source)
    if (responseFor === undefined) return skipped('malformed', 'responseFor')
    return { kind: 'status', responseFor }
  }
  const sequenceNumber = asText(message, 'sequenceNumber', source)
  if (sequenceNumber === undefined) return skipped('malformed', 'sequenceNumber')
  const subSequenceNumber = asLong(message.subSequenceNumber)
  if (subSequenceNumber === undefined) return skipped('malformed', 'subSequenceNumber')
  return { kind: 'checkpoint', sequenceNumber, subSequenceNumber }
}

function skipped(why: SkipReason, detail: string): ConsumerLine {
  return { kind: 'skipped', why, detail }
}

// Jackson reads the first value of a line and does not look at what follows it.
function firstObject(text: string): string | undefined {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      depth -= 1
      if (depth === 0) return text.slice(0, at + 1)
    }
  }
  return undefined
}

function parse(source: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(source) as Record<string, unknown>
  } catch {
    return undefined
  }
}

// For a field of type String Jackson takes any scalar by its text, of which JSON.parse would lose digits.
function asText(message: Record<string, unknown>, key: string, source: string): string | null | undefined {
  const value = message[key]
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number') return undefined
  return new RegExp(`"${key}"\\s*:\\s*(-?[0-9.eE+-]+)`).exec(source)?.[1] ?? String(value)
}

// For a Long it takes numbers, cut to whole ones, and text that is a number.
function asLong(value: unknown): number | null | undefined {
  if (value === undefined || value === null || value === '') return null
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || Math.abs(number) >= 2 ** 63) return undefined
  return Math.trunc(number)
}

const PLAIN_KEY = /^[\w .:/+=@-]*$/
const NULL_VALUE = /^\s*null(?![\w$])/
const FIELDS: Record<'status' | 'checkpoint', readonly string[]> = {
  status: ['responseFor'],
  checkpoint: ['sequenceNumber', 'subSequenceNumber'],
}
