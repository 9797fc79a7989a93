// A daemon for tests: in process, on streams in memory, with the strictness of the embedded one. It says what it is
// told to, one action after the other, and each call resolves when the session has acknowledged.
// Rule: what the real daemon would not survive fails the call in progress, or the next one, with the whole story.

import { PassThrough } from 'node:stream'
import { inspect } from 'node:util'
import { LineSplitter } from '../children/lines.ts'
import { TRIM_HORIZON } from '../daemon/conversation/checkpointer.ts'
import { DaemonConversation, type DaemonEvent } from '../daemon/conversation/conversation.ts'
import { type Finding, isRemark } from '../daemon/conversation/findings.ts'
import type { LeasePosition } from '../daemon/conversation/messages.ts'
import { shardName } from '../daemon/stream/sequence-number.ts'
import { UsageError } from '../errors.ts'
import { refuseUnknown } from '../nearest.ts'
import type { Position } from '../protocol/messages.ts'
import { type DurationInput, systemClock, toMilliseconds } from '../time.ts'
import { Delivery, type TestRecord } from './delivery.ts'
import { ManualClock } from './manual-clock.ts'

/** How a test daemon begins. */
export interface TestDaemonOptions {
  readonly shardId?: string | undefined
  /** Where the lease stands; by default it is new. */
  readonly checkpoint?: Position | undefined
  /** How long a call waits, by the machine's clock, before it fails; 5 s by default. */
  readonly patience?: DurationInput | undefined
}

/**
 * Stands in for the MultiLangDaemon: `new KclSession(daemon.streams)`.
 *
 * @example
 * const session = new KclSession({ ...new TestDaemon().streams, policy: everyRecords(2) })
 */
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
  readonly #delivery: Delivery
  readonly #refusals: string[] = []
  #queue: Promise<unknown> = Promise.resolve()
  #started = false
  #pending: { resolve: () => void; reject: (error: Error) => void } | null = null
  #failure: Error | null = null
  /** The call after which the real daemon is silent. */
  #ended: string | null = null

  constructor(options: TestDaemonOptions = {}) {
    refuseUnknown(options, ['shardId', 'checkpoint', 'patience'], 'new TestDaemon()')
    const { shardId = shardName(0), checkpoint = TRIM_HORIZON, patience = { seconds: 5 } } = options
    if (!SHARD_ID.test(shardId)) {
      throw new UsageError(
        `new TestDaemon(): "${shardId}" is not the name of a shard, as in ${shardName(0)}.`,
      )
    }
    this.#delivery = new Delivery(checkpoint)
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
    this.streams.output.once('error', (error) => this.#fail(this.#handlerFailed(error)))
  }

  /** Whether nothing more can come: the end of the lease was played, or the session has failed. */
  get isOver(): boolean {
    return this.#ended !== null || this.#failure !== null
  }

  /** The last stored position; null while nothing was stored since the start. */
  get checkpointed(): Position | null {
    return this.checkpoints.at(-1) ?? null
  }

  /**
   * Sends `initialize`, unless that was done. Resolves when it is acknowledged; every other action does it first.
   *
   * @example
   * await daemon.start()
   */
  start(): Promise<void> {
    return this.#enqueue(() => this.#initialize())
  }

  /**
   * Hands over a batch, which may be empty. Resolves, when it is acknowledged, to the positions of its records.
   * Throws `UsageError` for what the real daemon never sends: positions that do not go up, for instance.
   *
   * @example
   * const [first] = await daemon.deliver([{ json: { id: 1 } }, 'two'])
   */
  deliver(records: readonly TestRecord[], millisBehindLatest: number | null = 0): Promise<Position[]> {
    this.#refuseAfterTheEnd('deliver()')
    const delivered = this.#delivery.make(records, millisBehindLatest)
    return this.#enqueue(async () => {
      await this.#initialize()
      await this.#perform(() => this.#conversation.processRecords(delivered, millisBehindLatest))
      return delivered.map(({ sequenceNumber, subSequenceNumber }) => ({ sequenceNumber, subSequenceNumber }))
    })
  }

  /**
   * Refuses the next checkpoints with an exception of the daemon's, by its simple class name.
   *
   * @example
   * daemon.refuseCheckpoints('ThrottlingException', 2)
   */
  refuseCheckpoints(exception = 'ThrottlingException', times = 1): void {
    if (!/^[A-Z]\w*$/.test(exception) || !Number.isSafeInteger(times) || times < 1) {
      throw new UsageError(
        `refuseCheckpoints("${exception}", ${times}): give an exception by its simple class name, without its package, and how many times.`,
      )
    }
    for (let n = 0; n < times; n += 1) this.#refusals.push(exception)
  }

  /**
   * Another worker takes the lease: from now on checkpoints are refused; `leaseLost` follows the action in hand, then the end.
   *
   * @example
   * await daemon.loseLease()
   */
  loseLease(): Promise<void> {
    this.#end('loseLease()')
    this.#conversation.loseLease()
    return this.#endWith(() => this.#conversation.leaseLost())
  }

  /**
   * Asks for shutdown, then ends the lease and the input, as a drain does.
   *
   * @example
   * await daemon.requestShutdown()
   */
  requestShutdown(): Promise<void> {
    this.#end('requestShutdown()')
    return this.#enqueue(async () => {
      await this.#initialize()
      this.#refuseWithoutLease('shutdownRequested')
      await this.#perform(() => this.#conversation.shutdownRequested())
      await this.#perform(() => this.#conversation.leaseLost())
      this.streams.input.end()
    })
  }

  /**
   * Ends the shard, then the input.
   *
   * @example
   * await daemon.endShard()
   */
  endShard(): Promise<void> {
    this.#end('endShard()')
    return this.#endWith(() => {
      this.#refuseWithoutLease('shardEnded')
      return this.#conversation.shardEnded()
    })
  }

  /**
   * The daemon dies: the input ends at once, in the middle of an action too.
   *
   * @example
   * daemon.endInput()
   */
  endInput(): void {
    this.#ended ??= 'endInput()'
    this.streams.input.end()
  }

  #endWith(begin: () => string): Promise<void> {
    return this.#enqueue(async () => {
      await this.#initialize()
      await this.#perform(begin)
      this.streams.input.end()
    })
  }

  #end(call: string): void {
    this.#refuseAfterTheEnd(call)
    this.#ended = call
  }

  #refuseAfterTheEnd(call: string): void {
    if (this.#ended === null) return
    throw new UsageError(
      `${call} after ${this.#ended}: the real daemon sends this process nothing more. A new TestDaemon plays the next lease.`,
    )
  }

  #refuseWithoutLease(action: string): void {
    if (!this.#conversation.leaseGone) return
    throw new UsageError(
      `The real daemon never sends ${action} once a checkpoint was refused with ShutdownException: the lease is gone, so call loseLease().`,
    )
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
      // A loop that throws says nothing to us: the session is left, and its promise rejected while the test waits here.
      const onRejection = (reason: unknown): void => this.#fail(this.#rejection(reason))
      process.on('unhandledRejection', onRejection)
      const settle = (): void => {
        this.#pending = null
        process.off('unhandledRejection', onRejection)
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
    const timers = this.clock.pending
    const waits =
      timers > 0
        ? `It has ${timers} timer${timers === 1 ? '' : 's'} set: move them on with daemon.clock.advance(milliseconds).`
        : 'Did its loop ask for the next batch, or has it ended, with an error that nobody was shown?'
    return new Error(`${this.#waitsFor} within ${this.#patience / 1000} s. ${waits}`)
  }

  #rejection(reason: unknown): Error {
    const text = `${this.#waitsFor}: a promise was rejected that nobody handled, the one of the consumer's loop, if it threw: ${inspect(reason)}`
    return new Error(text, { cause: reason })
  }

  #handlerFailed(error: Error): Error {
    const { shardId, action } = this.#conversation
    const when = action === null ? '' : ` in ${action}`
    return new Error(`${shardId}: its handler failed${when}: ${inspect(error)}`, { cause: error })
  }

  get #waitsFor(): string {
    return `${this.#conversation.shardId}: no status for ${this.#conversation.action}`
  }
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

const SHARD_ID = /^[\w.-]{1,128}$/
