// A daemon for tests: in process, on streams in memory, with the strictness of the embedded one. It says what it is
// told to, one action after the other, and each call resolves when the session has acknowledged.
// Rule: what the real daemon would not survive fails the call in progress, or the next one, with the whole story.

import { PassThrough } from 'node:stream'
import { LineSplitter } from '../children/lines.ts'
import { TRIM_HORIZON } from '../daemon/conversation/checkpointer.ts'
import { DaemonConversation, type DaemonEvent } from '../daemon/conversation/conversation.ts'
import { type Finding, isRemark } from '../daemon/conversation/findings.ts'
import type { DeliveredRecord, LeasePosition } from '../daemon/conversation/messages.ts'
import { SequenceNumbers, shardName } from '../daemon/stream/sequence-number.ts'
import { UsageError } from '../errors.ts'
import type { Position } from '../protocol/messages.ts'
import { type DurationInput, systemClock, toMilliseconds } from '../time.ts'
import { ManualClock } from './manual-clock.ts'

/** A record to deliver: text, bytes, or an object with `data` or `json` and what else should be set. */
export type TestRecord =
  | string
  | Uint8Array
  | (TestRecordFields & { readonly data: string | Uint8Array | null; readonly json?: never })
  | (TestRecordFields & { readonly json: unknown; readonly data?: never })

/** What a record has besides its data. */
export interface TestRecordFields {
  readonly partitionKey?: string | undefined
  /** Digits; by default each record stands behind the one before it. */
  readonly sequenceNumber?: string | undefined
  readonly subSequenceNumber?: number | undefined
  /** Milliseconds since the epoch, or null. */
  readonly timestamp?: number | null | undefined
}

/** How a test daemon begins. */
export interface TestDaemonOptions {
  readonly shardId?: string | undefined
  /** Where the lease stands; by default it is new. */
  readonly checkpoint?: Position | undefined
  /** How long a call waits, by the machine's clock, before it fails; 5 s by default. */
  readonly patience?: DurationInput | undefined
}

/** Stands in for the MultiLangDaemon: `new KclSession(daemon.streams)`. */
export class TestDaemon {
  /** The clock that policies, retries and `abandonAfter` go by. It stands still until `clock.advance(ms)`. */
  readonly clock: ManualClock = new ManualClock()
  /** What the session takes as its options, or among them: `new KclSession({ ...daemon.streams, policy })`. */
  readonly streams: {
    readonly input: PassThrough
    readonly output: PassThrough
    readonly clock: ManualClock
  }
  /** Every position that was stored, in order; the end of the shard is `SHARD_END`. */
  readonly checkpoints: Position[] = []
  /** Everything that the session did wrong. */
  readonly findings: Finding[] = []
  readonly #conversation: DaemonConversation
  readonly #patience: number
  readonly #numbers = new SequenceNumbers(1_700_000_000_000)
  readonly #refusals: string[] = []
  #delivered = 0
  #queue: Promise<unknown> = Promise.resolve()
  #started = false
  #pending: { resolve: () => void; reject: (error: Error) => void } | null = null
  #failure: Error | null = null

  constructor(options: TestDaemonOptions = {}) {
    const { shardId = shardName(0), checkpoint = TRIM_HORIZON, patience = { seconds: 5 } } = options
    this.#patience = toMilliseconds(patience, 'new TestDaemon(): patience')
    this.streams = { input: new PassThrough(), output: new PassThrough(), clock: this.clock }
    this.#conversation = new DaemonConversation({
      shardId,
      checkpoint,
      refuse: () => this.#refusals.shift() ?? null,
    })
    const lines = new LineSplitter((line) => this.#follow(this.#conversation.receive(line)))
    this.streams.output.on('data', (chunk: Buffer) => lines.push(chunk))
    this.streams.output.once('end', () =>
      this.#follow(this.#conversation.outputEnded('it closed its output')),
    )
  }

  /** The last stored position; null while nothing was stored since the start. */
  get checkpointed(): Position | null {
    return this.checkpoints.at(-1) ?? null
  }

  /** Sends `initialize`, unless that was done. Resolves when it is acknowledged; every other action does it first. */
  start(): Promise<void> {
    return this.#enqueue(() => this.#initialize())
  }

  /** Hands over a batch, which may be empty. Resolves, when it is acknowledged, to the positions of its records. */
  deliver(records: readonly TestRecord[], millisBehindLatest: number | null = 0): Promise<Position[]> {
    const delivered = records.map((record) => this.#make(record))
    return this.#enqueue(async () => {
      await this.#initialize()
      await this.#perform(() => this.#conversation.processRecords(delivered, millisBehindLatest))
      return delivered.map(({ sequenceNumber, subSequenceNumber }) => ({ sequenceNumber, subSequenceNumber }))
    })
  }

  /** Refuses the next checkpoints with an exception of the daemon's, by its simple class name. */
  refuseCheckpoints(exception = 'ThrottlingException', times = 1): void {
    for (let n = 0; n < times; n += 1) this.#refusals.push(exception)
  }

  /** Another worker takes the lease: from now on checkpoints are refused; `leaseLost` follows the action in hand, then the end. */
  loseLease(): Promise<void> {
    this.#conversation.loseLease()
    return this.#endWith(() => this.#conversation.leaseLost())
  }

  /** Asks for shutdown, then ends the lease and the input, as a drain does. */
  requestShutdown(): Promise<void> {
    return this.#enqueue(async () => {
      await this.#initialize()
      await this.#perform(() => this.#conversation.shutdownRequested())
      await this.#perform(() => this.#conversation.leaseLost())
      this.streams.input.end()
    })
  }

  /** Ends the shard, then the input. */
  endShard(): Promise<void> {
    return this.#endWith(() => this.#conversation.shardEnded())
  }

  /** The daemon dies: the input ends at once, in the middle of an action too. */
  endInput(): void {
    this.streams.input.end()
  }

  #endWith(begin: () => string): Promise<void> {
    return this.#enqueue(async () => {
      await this.#initialize()
      await this.#perform(begin)
      this.streams.input.end()
    })
  }

  async #initialize(): Promise<void> {
    if (this.#started) return
    this.#started = true
    await this.#perform(() => this.#conversation.initialize())
  }

  // One action at a time, in the order of the calls.
  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task)
    this.#queue = result.catch(() => {})
    return result
  }

  #perform(begin: () => string): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    return new Promise<void>((resolve, reject) => {
      const line = begin()
      const cancel = systemClock.after(this.#patience, () => this.#fail(this.#impatience()))
      const settle = (): void => {
        this.#pending = null
        cancel()
      }
      this.#pending = {
        resolve: () => {
          settle()
          resolve()
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      this.streams.input.write(`${line}\n`)
    })
  }

  #follow(events: readonly DaemonEvent[]): void {
    for (const event of events) {
      if (event.type === 'send') this.streams.input.write(`${event.line}\n`)
      else if (event.type === 'acknowledged') this.#pending?.resolve()
      else if (event.type === 'checkpoint') this.#note(event.stored)
      else {
        this.findings.push(event.finding)
        if (!isRemark(event.finding)) this.#fail(misuse(event.finding))
      }
    }
  }

  #note(stored: LeasePosition | null): void {
    if (stored !== null) this.checkpoints.push(stored)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#pending?.reject(error)
  }

  #impatience(): Error {
    const seconds = this.#patience / 1000
    const timers = this.clock.pending
    const waits =
      timers > 0
        ? `It has ${timers} timer${timers === 1 ? '' : 's'} set: move them on with daemon.clock.advance(milliseconds).`
        : 'Did its loop ask for the next batch?'
    return new Error(
      `${this.#conversation.shardId}: no status for ${this.#conversation.action} within ${seconds} s. ${waits}`,
    )
  }

  #make(record: TestRecord): DeliveredRecord {
    if (record === null || record === undefined) throw new UsageError(NO_RECORD)
    const fields = typeof record !== 'object' || record instanceof Uint8Array ? { data: record } : record
    const number = this.#delivered
    this.#delivered += 1
    return {
      data: encode(fields),
      partitionKey: fields.partitionKey ?? `key-${number}`,
      sequenceNumber: fields.sequenceNumber ?? this.#numbers.of(0, number),
      subSequenceNumber: fields.subSequenceNumber ?? 0,
      approximateArrivalTimestamp: fields.timestamp === undefined ? Date.now() : fields.timestamp,
    }
  }
}

function encode(
  fields: Exclude<TestRecord, string | Uint8Array> | { data: string | Uint8Array },
): string | null {
  const data = 'json' in fields && fields.json !== undefined ? JSON.stringify(fields.json) : fields.data
  if (data === null) return null
  if (typeof data === 'string' || data instanceof Uint8Array)
    return Buffer.from(data as string).toString('base64')
  throw new UsageError(NO_RECORD)
}

function misuse({ shardId, action, expected, came, daemon }: Finding): Error {
  return new Error(
    [
      `${shardId}: the session broke the protocol${action === null ? ' between two actions' : ` in ${action}`}.`,
      `  expected: ${expected}`,
      `  came:     ${came}`,
      `  the real daemon: ${daemon}`,
    ].join('\n'),
  )
}

const NO_RECORD =
  'deliver(): a record is text, bytes, or an object with data (text, bytes or null) or json. For a JSON value write { json: value }.'
