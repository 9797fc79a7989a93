// One record as the user sees it. What is costly, decoding and the time's object, happens on first use.

import { isUtf8 } from 'node:buffer'
import { type InspectOptions, inspect } from 'node:util'
import type { Temporal } from '@js-temporal/polyfill'
import { formatPosition, toPosition } from './checkpoint/position.ts'
import { RecordError, UsageError } from './errors.ts'
import type { Position, WireRecord } from './protocol/messages.ts'
import { applySchema, formatIssue, type Schema, type SchemaIssue, type StandardSchema } from './schema.ts'
import { instant } from './time.ts'

/** How many bytes of data a record has, told without decoding them; 0 for none. */
export let sizeOf: (record: KinesisRecord | undefined) => number

/**
 * A record of the stream. It is a `Position` too, and so can be handed to `batch.checkpoint(record)`.
 *
 * The data do not outlive `structuredClone()`, nor the way to a worker thread: send `record.toJSON()` there.
 */
export class KinesisRecord implements Position {
  readonly partitionKey: string
  readonly sequenceNumber: string
  /** Counts the user records inside one aggregated record from 0; 0 elsewhere. */
  readonly subSequenceNumber: number
  /** When the record reached the stream, approximately: milliseconds since the epoch, or null. */
  readonly timestamp: number | null
  #data: Buffer | string | null
  #arrivedAt: Temporal.Instant | null = null

  static {
    sizeOf = (record) => {
      const data = record === undefined ? null : record.#data
      return typeof data === 'string' ? decodedLength(data) : (data?.length ?? 0)
    }
  }

  /** @internal Records come with their batch. */
  constructor(wire: WireRecord) {
    this.partitionKey = wire.partitionKey
    this.sequenceNumber = wire.sequenceNumber
    this.subSequenceNumber = wire.subSequenceNumber
    this.timestamp = wire.approximateArrivalTimestamp
    this.#data = wire.data
  }

  /** The bytes; empty, never null, where the record has none. The same Buffer at each call. */
  get data(): Buffer {
    if (typeof this.#data === 'string') this.#data = Buffer.from(this.#data, 'base64')
    this.#data ??= Buffer.alloc(0)
    return this.#data
  }

  /**
   * The data as UTF-8 text.
   *
   * @example
   * console.log(record.text())
   */
  text(): string {
    return this.data.toString('utf8')
  }

  /**
   * The data parsed as JSON, and with a schema checked: a function `(value) => T`, or a synchronous Standard Schema of
   * zod, valibot, arktype and others. Without one the type is your word.
   *
   * Throws RecordError, which names the record's position, when the data are not JSON or do not fit, and UsageError
   * for a schema that answers with a promise.
   *
   * @example
   * const { place } = record.json(z.object({ place: z.string() }))
   */
  json<T = unknown>(): T
  json<T>(schema: StandardSchema<T>): T
  json<T>(schema: (value: unknown) => T): T
  json<T>(...schema: [Schema<T>?]): T {
    const value = this.#parse()
    return schema.length === 0 ? (value as T) : this.#check(value, schema[0] as Schema<T>)
  }

  /**
   * A plain object that JSON, structured clones and worker threads carry; the data in base64.
   *
   * @example
   * await store(JSON.stringify(record))
   */
  toJSON(): RecordJson {
    const { partitionKey, sequenceNumber, subSequenceNumber, timestamp } = this
    const data = this.data.toString('base64')
    return { partitionKey, sequenceNumber, subSequenceNumber, timestamp, data }
  }

  /** `timestamp` as a Temporal.Instant, or null. */
  get arrivedAt(): Temporal.Instant | null {
    if (this.timestamp !== null) this.#arrivedAt ??= instant(this.timestamp)
    return this.#arrivedAt
  }

  /** @internal What `console.log` shows: short, and text where it is text. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { data: _data, ...fields } = this.toJSON()
    return `KinesisRecord ${inspect({ ...fields, data: preview(this.data) }, options)}`
  }

  #parse(): unknown {
    try {
      return JSON.parse(this.text())
    } catch (cause) {
      throw this.#error(`is not JSON: ${messageOf(cause)}`, [], cause)
    }
  }

  #check<T>(value: unknown, schema: Schema<T>): T {
    let result: ReturnType<typeof applySchema<T>>
    try {
      result = applySchema(schema, value, 'record.json()')
    } catch (cause) {
      if (cause instanceof UsageError) throw cause
      throw this.#misfit(issuesOf(cause), cause)
    }
    if (result.issues === undefined) return result.value
    throw this.#misfit(result.issues)
  }

  #misfit(issues: readonly SchemaIssue[], cause?: unknown): RecordError {
    const what = issues.length > 0 ? issues.map(formatIssue).join('; ') : messageOf(cause)
    return this.#error(`does not fit: ${what}`, issues, cause)
  }

  #error(what: string, issues: readonly SchemaIssue[], cause?: unknown): RecordError {
    const where = `The record at ${formatPosition(this)}, partition key ${JSON.stringify(this.partitionKey)},`
    const options = cause === undefined ? undefined : { cause }
    return new RecordError(`${where} ${what}`, { position: toPosition(this), issues }, options)
  }
}

/** A record as `record.toJSON()` gives it. */
export interface RecordJson extends Position {
  readonly partitionKey: string
  readonly timestamp: number | null
  /** In base64. */
  readonly data: string
}

/** How many bytes a base64 text decodes to. */
export function decodedLength(base64: string): number {
  const { length } = base64
  const padding = base64[length - 1] !== '=' ? 0 : base64[length - 2] !== '=' ? 1 : 2
  return Math.floor((length * 3) / 4) - padding
}

// Long data would bury the rest; bytes that are no text are shown as Node shows a Buffer.
function preview(data: Buffer): string | Buffer {
  if (!isUtf8(data)) return data
  const text = data.toString('utf8')
  return text.length <= PREVIEW ? text : `${text.slice(0, PREVIEW)}… (${data.length} bytes)`
}

// Those of a schema's own error class, zod's `parse` for one.
function issuesOf(cause: unknown): readonly SchemaIssue[] {
  const issues: unknown = (cause as { issues?: unknown } | null | undefined)?.issues
  return Array.isArray(issues) ? issues.filter((issue) => typeof issue?.message === 'string') : []
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : inspect(cause)
}

// Characters.
const PREVIEW = 200
