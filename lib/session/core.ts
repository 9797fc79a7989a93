// What the parts of a session share: how it stands, how it ends, and what a batch, a hook, the handlers and those who
// watch ask of it. What happens until then is in loop.ts.

import type { CheckpointPolicy } from '../checkpoint/policy.ts'
import type { RetrySchedule } from '../checkpoint/retry.ts'
import { ChannelClosedError, type KclError } from '../errors.ts'
import type { Logger } from '../io/logger.ts'
import type { Shard } from '../protocol/messages.ts'
import type { Clock } from '../time.ts'
import type { Abandonment, Left } from './abandonment.ts'
import type { BatchOwner, RecordBatch, RecordHandler } from './batch.ts'
import { Checkpointing, type CheckpointingPort } from './checkpointing.ts'
import { Exchange, isRecords, type Wire } from './exchange.ts'
import { handleBatch } from './for-each.ts'
import { Hand } from './hand.ts'
import type { ForEachOptions, Handlers } from './handler.ts'
import type { HookOwner, SessionHooks } from './hooks.ts'
import { inputEndedError, Life, outputFailedError } from './life.ts'
import { Turns } from './record-iterator.ts'
import { Telemetry, type TelemetryPort } from './telemetry.ts'
import type { BatchPlace } from './tracing.ts'
import { type AtWork, Vigil } from './vigil.ts'
import { readWork } from './work.ts'

/** What a loop goes by. */
export interface LoopOptions {
  readonly clock: Clock
  readonly policy: CheckpointPolicy
  readonly schedule: RetrySchedule
  /** Milliseconds. */
  readonly warnAfter: number
  readonly hooks: SessionHooks
  readonly log: Logger
  /** What the telemetry is about. */
  readonly session: object
  /** Something happened that whoever watches should know at once. */
  readonly changed: () => void
}

/** One shard's state, whoever changes it. */
export abstract class Core implements BatchOwner, HookOwner, TelemetryPort {
  readonly hooks: SessionHooks
  readonly policy: CheckpointPolicy
  readonly log: Logger
  readonly clock: Clock
  readonly session: object
  readonly changed: () => void
  readonly turns: Turns
  readonly telemetry: Telemetry
  readonly checkpointing: Checkpointing
  handlers: Handlers | null = null
  protected readonly life: Life = new Life()
  protected readonly wire: Wire
  protected readonly abandonment: Abandonment
  protected readonly vigil: Vigil
  protected readonly exchange: Exchange
  protected readonly hand: Hand
  /** The user has closed the session. */
  protected closed = false
  /** Something is being done about the action in hand. */
  protected running = false
  /** Who has left the loop, and waits for the input to end. */
  protected readonly leaving: (() => void)[] = []
  #skipped = 0

  constructor(
    options: LoopOptions,
    wire: Wire,
    abandonment: Abandonment,
    events: Pick<CheckpointingPort, 'leaseLost' | 'gaveUp' | 'waitersChanged'>,
  ) {
    this.hooks = options.hooks
    this.policy = options.policy
    this.log = options.log
    this.clock = options.clock
    this.session = options.session
    this.changed = options.changed
    this.turns = new Turns(options.clock)
    this.telemetry = new Telemetry(this)
    this.wire = wire
    this.abandonment = abandonment
    this.vigil = new Vigil(this, options.warnAfter)
    this.exchange = new Exchange(wire)
    this.hand = new Hand(this)
    this.checkpointing = new Checkpointing({
      ...options,
      ...events,
      watcher: this.telemetry,
      allowed: () => this.exchange.allowsCheckpoint,
      send: (position) => this.exchange.request(position),
    })
  }

  get state(): 'open' | 'ended' | 'failed' {
    return this.life.state
  }

  get shard(): Shard | null {
    return this.exchange.shard
  }

  get signal(): AbortSignal {
    return this.life.signal
  }

  get lost(): boolean {
    return this.life.lost
  }

  get action(): string | null {
    return this.exchange.message?.action ?? null
  }

  get batch(): BatchPlace | null {
    return this.hand.batch ?? (this.exchange.awaitsAnswer ? this.hand.finished : null)
  }

  /** Deliveries acknowledged, and records given up by the user. */
  get counts(): { batches: number; skipped: number } {
    return { batches: this.exchange.acknowledged, skipped: this.#skipped }
  }

  /** Whether records may be handed out: not once the lease is lost. Throws what the session failed with. */
  handsOut(): boolean {
    if (this.state === 'failed') throw this.life.failure
    return !this.life.lost
  }

  skipped(records: number): void {
    this.#skipped += records
  }

  /** Runs handlers over a batch. */
  async handle(batch: RecordBatch, handler: RecordHandler, options: ForEachOptions): Promise<void> {
    await handleBatch(this, batch, readWork(handler, options, 'batch.forEach()'))
  }

  /** What the user's code is at work on; null where nothing is in its hands. */
  get atWork(): AtWork | null {
    const window = this.hand.atWork
    if (window !== null) return { what: 'batch', window }
    return this.running && this.exchange.message !== null && !isRecords(this.exchange.message)
      ? { what: this.exchange.message.action }
      : null
  }

  /** What a process that ends now leaves behind. */
  leaves(): Left | 'no loop' | 'no daemon' | null {
    if (this.state === 'open' && !this.exchange.started) return 'no loop'
    if (this.state === 'ended') return this.exchange.heard || this.closed ? null : 'no daemon'
    return this.state === 'open' && this.hasWork ? this.left(false) : null
  }

  protected left(forGood: boolean): Left {
    const { line } = this.checkpointing
    return {
      shardId: this.exchange.shard?.shardId ?? null,
      action: this.exchange.message?.action ?? null,
      unfinished: this.unfinished,
      position: line.record(line.watermark) ?? null,
      skipped: this.checkpointing.skipsOnCrash,
      forGood,
    }
  }

  /** The daemon's pipe ended, or broke. */
  inputEnded(cause: Error | null): void {
    if (this.state !== 'open') return
    const quiet = this.exchange.end() === 'quiet' && this.unfinished === 0
    if (!quiet && !this.life.lost) this.fail(inputEndedError(this.left(true), cause))
    else
      this.end(
        new ChannelClosedError('The daemon closed the conversation before the checkpoint was answered.'),
      )
  }

  /** What was said did not reach the daemon: never a quiet end, whatever the input does. */
  outputFailed(cause: Error): void {
    const error = outputFailedError(this.left(true), cause)
    if (this.life.lost) {
      this.log.warn('The daemon was gone before it had our last answer, after the lease was lost', { error })
      this.inputEnded(cause)
    } else this.fail(error)
  }

  /** Ends the session with an error: nothing is acknowledged or stored any more. */
  fail(error: unknown): void {
    if (this.state !== 'open') return
    const reason = this.life.fail(error)
    this.telemetry.failed(error)
    this.exchange.silence()
    this.hand.batch?.abort(reason)
    const unanswered = 'The session failed before the checkpoint was answered.'
    this.checkpointing.checkpointer.close(
      reason instanceof ChannelClosedError ? reason : new ChannelClosedError(unanswered, { cause: error }),
    )
    // With the body at work there is no pending next(): the next step of either loop throws the error.
    if (this.hand.lock.waiting) this.dismiss({ reason: error })
    this.abandonment.left(this.left(true))
    this.#finishUp()
  }

  /** Ends the session without a word to the daemon. */
  close(): void {
    this.closed = true
    if (this.state !== 'open') return
    this.exchange.silence()
    this.hand.batch?.end('the session was closed')
    if (this.hasWork) this.abandonment.left(this.left(true))
    this.end(new ChannelClosedError('The session was closed before the checkpoint was answered.'))
  }

  protected end(reason: KclError): void {
    this.life.end()
    this.telemetry.ended()
    this.checkpointing.checkpointer.close(reason)
    if (this.hand.lock.waiting) this.dismiss()
    this.#finishUp()
  }

  #finishUp(): void {
    this.updateHold()
    this.vigil.stop()
    this.wire.over()
    for (const settle of this.leaving.splice(0)) settle()
  }

  /** The live loop is over; what it waits for ends in `error`, or is done. */
  protected dismiss(error?: { readonly reason: unknown }): void {
    this.telemetry.batchLeft(error?.reason)
    this.hand.release(error)
    this.updateHold()
  }

  /** Tells the streams whether something of ours is a reason for the process to live. */
  protected abstract updateHold(): void

  /** Takes a record as finished. Throws what the policy throws, with which the session fails. */
  abstract finish(number: number): void

  /** How many records have come and are not finished; none once the lease is lost. */
  protected get unfinished(): number {
    return this.life.lost ? 0 : this.checkpointing.line.end - this.checkpointing.line.watermark
  }

  /** Whether something waits for us. */
  protected get hasWork(): boolean {
    return this.exchange.message !== null || this.unfinished > 0
  }
}
