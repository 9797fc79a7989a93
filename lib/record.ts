// One record as the user sees it. What is costly, decoding and the time's object, happens on first use.

import type { Temporal } from '@js-temporal/polyfill'
import type { Position, WireRecord } from './protocol/messages.ts'
import { instant } from './time.ts'

/** How many bytes of data a record has, told without decoding them; 0 for none. */
export let sizeOf: (record: KinesisRecord | undefined) => number

/** A record of the stream. It is a `Position` too, and so can be handed to `batch.checkpoint(record)`. */
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

  /** The data as UTF-8 text. */
  text(): string {
    return this.data.toString('utf8')
  }

  /** The data parsed as JSON. Throws the SyntaxError of JSON.parse. */
  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T
  }

  /** `timestamp` as a Temporal.Instant, or null. */
  get arrivedAt(): Temporal.Instant | null {
    if (this.timestamp !== null) this.#arrivedAt ??= instant(this.timestamp)
    return this.#arrivedAt
  }
}

/** How many bytes a base64 text decodes to. */
export function decodedLength(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0
  return Math.floor((base64.length * 3) / 4) - padding
}
