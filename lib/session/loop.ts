// The loop over batches: the action in hand, and what next() and return() do about it. One action is in hand at a time.
// Records wait for the user, who finishes a batch by asking for the next; everything else is answered here, meanwhile.

import type { CheckpointPolicy } from '../checkpoint/policy.ts'
import type { RetrySchedule } from '../checkpoint/retry.ts'
import { ChannelClosedError, type KclError } from '../errors.ts'
import type { Logger } from '../io/logger.ts'
import type { CutLine } from '../protocol/line.ts'
import type { Message, Shard } from '../protocol/messages.ts'
import type { Clock } from '../time.ts'
import { queueMicrotask } from '../timers.ts'
import type { Abandonment, Left } from './abandonment.ts'
import type { BatchOwner, ForEachOptions, Handlers, RecordBatch, RecordHandler } from './batch.ts'
import { BatchIterator, type BatchResult, type BatchSource, DONE, type Sizes } from './batch-iterator.ts'
import { Checkpointing } from './checkpointing.ts'
import { Exchange, isRecords, type Wire } from './exchange.ts'
import { handleBatch, handleBatches } from './for-each.ts'
import { Hand } from './hand.ts'
import type { HookOwner, SessionHooks } from './hooks.ts'
import { inputEndedError, Life, outputFailedError } from './life.ts'
import { Turns } from './record-iterator.ts'
import { Telemetry, type TelemetryPort } from './telemetry.ts'
import { type AtWork, Vigil } from './vigil.ts'
import { readWork, type SessionForEachOptions } from './work.ts'

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

/** Drives one conversation from its first line to its end. */
export class Loop implements BatchSource, BatchOwner, HookOwner, TelemetryPort {
  readonly hooks: SessionHooks
  readonly policy: CheckpointPolicy
  readonly log: Logger
  readonly clock: Clock
  readonly checkpointing: Checkpointing
  readonly turns: Turns
  readonly session: object
  readonly changed: () => void
  readonly telemetry: Telemetry
  handlers: Handlers | null = null
  #skipped = 0
  readonly #wire: Wire
  readonly #exchange: Exchange
  readonly #abandonment: Abandonment
  readonly #vigil: Vigil
  readonly #life: Life = new Life()
  readonly #hand: Hand = new Hand(this)
  #closed = false
  #leaving: (() => void)[] = []
  #running = false
  #pausing = false

  constructor(options: LoopOptions, wire: Wire, abandonment: Abandonment) {
    this.hooks = options.hooks
    this.policy = options.policy
    this.log = options.log
    this.clock = options.clock
    this.turns = new Turns(options.clock)
    this.session = options.session
    this.changed = options.changed
    this.telemetry = new Telemetry(this)
    this.#wire = wire
    this.#exchange = new Exchange(wire)
    this.#abandonment = abandonment
    this.#vigil = new Vigil(this, options.warnAfter)
    this.checkpointing = new Checkpointing({
      ...options,
      allowed: () => this.#exchange.allowsCheckpoint,
      send: (position) => this.#exchange.request(position),
      watcher: this.telemetry,
      leaseLost: () => this.#lose('The daemon refused a checkpoint because the lease is no longer ours'),
      gaveUp: (error) =>
        this.log.warn('An automatic checkpoint failed; a later one will cover it', { error }),
      waitersChanged: () => this.#updateHold(),
    })
  }

  get state(): 'open' | 'ended' | 'failed' {
    return this.#life.state
  }

  get shard(): Shard | null {
    return this.#exchange.shard
  }

  get signal(): AbortSignal {
    return this.#life.signal
  }

  get lost(): boolean {
    return this.#life.lost
  }

  get action(): string | null {
    return this.#exchange.message?.action ?? null
  }

  get batch(): RecordBatch | null {
    return this.#hand.batch
  }

  /** Deliveries acknowledged, and records given up by the user. */
  get counts(): { batches: number; skipped: number } {
    return { batches: this.#exchange.acknowledged, skipped: this.#skipped }
  }

  /** Takes one line of the daemon; a blank one, which framing may leave behind, says nothing. */
  receive(line: string | CutLine): void {
    if (this.state !== 'open' || line === '') return
    try {
      const message = this.#exchange.receive(line)
      if (message.action === 'checkpoint') this.checkpointing.checkpointer.answered(message.error)
      else this.#take(message)
    } catch (error) {
      this.fail(error)
    }
  }

  /** The daemon's pipe ended, or broke. */
  inputEnded(cause: Error | null): void {
    if (this.state !== 'open') return
    const quiet = this.#exchange.end() === 'quiet' && this.#unfinished === 0
    if (!quiet && !this.#life.lost) this.fail(inputEndedError(this.#left(true), cause))
    else
      this.#end(
        new ChannelClosedError('The daemon closed the conversation before the checkpoint was answered.'),
      )
  }

  /** What was said did not reach the daemon: never a quiet end, whatever the input does. */
  outputFailed(cause: Error): void {
    const error = outputFailedError(this.#left(true), cause)
    if (this.#life.lost) {
      this.log.warn('The daemon was gone before it had our last answer, after the lease was lost', { error })
      this.inputEnded(cause)
    } else this.fail(error)
  }

  /** Ends the session with an error: nothing is acknowledged or stored any more. */
  fail(error: unknown): void {
    if (this.state !== 'open') return
    const reason = this.#life.fail(error)
    this.telemetry.failed(error)
    this.#exchange.silence()
    this.#hand.batch?.abort(reason)
    const unanswered = 'The session failed before the checkpoint was answered.'
    this.checkpointing.checkpointer.close(
      reason instanceof ChannelClosedError ? reason : new ChannelClosedError(unanswered, { cause: error }),
    )
    // With the body at work there is no pending next(): the next step of either loop throws the error.
    if (this.#hand.lock.waiting) this.#dismiss({ reason: error })
    this.#abandonment.left(this.#left(true))
    this.#finishUp()
  }

  /** Ends the session without a word to the daemon. */
  close(): void {
    this.#closed = true
    if (this.state !== 'open') return
    this.#exchange.silence()
    this.#hand.batch?.end('the session was closed')
    if (this.#hasWork) this.#abandonment.left(this.#left(true))
    this.#end(new ChannelClosedError('The session was closed before the checkpoint was answered.'))
  }

  /** The loop asks for a batch; with one in hand, that finishes it. */
  next(iterator: BatchIterator): Promise<BatchResult> {
    // Whoever comes back again and again without waiting for anything must not keep everything else from running.
    if (iterator.done)
      return this.state === 'open' ? this.turns.turn().then(() => DONE) : Promise.resolve(DONE)
    try {
      this.#hand.lock.check(iterator)
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.state !== 'open') {
      this.#dismiss()
      iterator.done = true
      return this.state === 'failed' ? Promise.reject(this.#life.failure) : Promise.resolve(DONE)
    }
    const entered = this.#hand.lock.holder === null
    const result = this.#hand.lock.ask(iterator)
    this.#hand.asked()
    if (entered) this.#enter()
    if (entered && this.#hand.left) void this.#pause()
    else void this.#run()
    return result
  }

  /** The loop is left. With the lease lost, that takes until the input has ended. */
  async leave(iterator: BatchIterator): Promise<BatchResult> {
    iterator.done = true
    if (this.#hand.lock.holder !== iterator) return DONE
    this.#dismiss()
    void this.#run()
    if (this.#life.lost && this.state === 'open') {
      await new Promise<void>((resolve) => this.#leaving.push(resolve))
    }
    return DONE
  }

  /** Whether records may be handed out: not once the lease is lost. Throws what the session failed with. */
  handsOut(): boolean {
    if (this.state === 'failed') throw this.#life.failure
    return !this.#life.lost
  }

  skipped(records: number): void {
    this.#skipped += records
  }

  /** Runs handlers over a batch. */
  async handle(batch: RecordBatch, handler: RecordHandler, options: ForEachOptions): Promise<void> {
    await handleBatch(this, batch, readWork(handler, options, 'batch.forEach()'))
  }

  /** Runs handlers over all batches, until the conversation ends. */
  async forEach(handler: RecordHandler, options: SessionForEachOptions): Promise<void> {
    const work = readWork(handler, options, 'session.forEach()')
    await handleBatches(this, new BatchIterator(this, work.sizes, work.overlaps), work)
  }

  /** The batches of one loop, of the daemon's size or one's own. */
  batches(sizes: Sizes | null): BatchIterator {
    return new BatchIterator(this, sizes)
  }

  /** Takes a record as finished. Throws what the policy throws, with which the session fails. */
  finish(number: number): void {
    try {
      this.checkpointing.finish(number)
      // There may be room now for records of the next batch.
      if (this.#hand.overlaps) void this.#run()
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  #enter(): void {
    this.#abandonment.entered()
    if (!this.#exchange.started) {
      this.#exchange.start()
      this.#vigil.start()
    }
    this.#updateHold()
  }

  #take(message: Message): void {
    const { checkpointing } = this
    if (message.action === 'initialize') {
      checkpointing.startAt(message.shard)
    } else if (message.action === 'processRecords') {
      if (!this.#life.lost) checkpointing.deliver(message.records, message.millisBehindLatest)
    } else if (message.action === 'leaseLost') {
      this.#lose('The daemon ended the lease of this shard')
    }
    checkpointing.checkpointer.resume()
    this.telemetry.took(message)
    void this.#run()
  }

  // Another attempt waits for a turn of the event loop: a user who tries again and again may wait for nothing else.
  async #pause(): Promise<void> {
    this.#pausing = true
    await this.turns.turn()
    this.#pausing = false
    await this.#run()
  }

  // Works on what is in hand for as long as it needs no user. Only one run is under way at a time.
  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      for (let step = this.#nextStep(); step !== null; step = this.#nextStep()) {
        const done = step()
        if (done !== undefined) await done
      }
    } catch (error) {
      this.fail(error)
    }
    this.#running = false
    if (this.state === 'open' && this.#hand.lock.holder === null && this.#hasWork)
      this.#abandonment.left(this.#left(false))
  }

  // What to do now; null when it is the user's turn, or the daemon's.
  #nextStep(): (() => Promise<void> | void) | null {
    const hand = this.#hand
    const { waiting } = hand.lock
    const message = this.#exchange.message
    if (this.state !== 'open' || hand.busy || this.#pausing) return null
    if (this.#life.lost) return message === null ? null : () => this.#answerAfterLoss(message)
    if (hand.batch !== null) return hand.mayBeCovered ? null : () => this.#finish()
    if (hand.left || hand.hasMore) {
      const ending = message?.action === 'shutdownRequested' || message?.action === 'shardEnded'
      if (!waiting || hand.give(ending, () => void this.#run())) return null
      // More records are wanted.
      if (message?.action !== 'processRecords') return null
    } else if (this.#unfinished > 0 && message?.action !== 'processRecords') return null
    if (message === null || (hand.lock.holder === null && !isRecords(message))) return null
    return () => this.#answer()
  }

  #finish(): void {
    this.#hand.finish()
    if (this.#hand.lock.holder === null) this.#updateHold()
  }

  // Does what the action calls for and acknowledges it, when no answer to a checkpoint is on its way any more.
  #answer(): Promise<void> | void {
    this.checkpointing.progressed()
    const done = this.#exchange.perform(this)
    if (done === undefined && !this.#exchange.awaitsAnswer) return this.#acknowledge()
    return this.#acknowledgeAfter(done)
  }

  // What the user's code asks for while we wait for one answer may have sent another checkpoint by now.
  async #acknowledgeAfter(done: Promise<void> | void): Promise<void> {
    await done
    while (this.#exchange.awaitsAnswer) await this.checkpointing.checkpointer.quiet()
    if (this.state === 'open') this.#acknowledge()
  }

  // The shard is another worker's: what was in the user's hands is dropped.
  #answerAfterLoss(message: Message): Promise<void> | void {
    this.telemetry.batchLeft(this.#life.signal.reason)
    this.#hand.drop()
    return message.action === 'processRecords' ? this.#acknowledge() : this.#answer()
  }

  #acknowledge(): void {
    this.telemetry.acknowledged(this.#exchange.message)
    this.#exchange.acknowledge()
    this.checkpointing.release()
    if (!this.#hasWork) this.#abandonment.entered()
  }

  #lose(why: string): void {
    if (this.#life.lost) return
    const reason = this.#life.lose(why)
    this.telemetry.leaseLost(reason)
    this.#hand.batch?.abort(reason)
    this.checkpointing.checkpointer.close('lease lost')
    this.#updateHold()
    void this.#run()
  }

  #end(reason: KclError): void {
    this.#life.end()
    this.telemetry.ended()
    this.checkpointing.checkpointer.close(reason)
    if (this.#hand.lock.waiting) this.#dismiss()
    this.#finishUp()
  }

  #finishUp(): void {
    this.#updateHold()
    this.#vigil.stop()
    this.#wire.over()
    for (const settle of this.#leaving.splice(0)) settle()
  }

  #dismiss(error?: { readonly reason: unknown }): void {
    this.telemetry.batchLeft(error?.reason)
    this.#hand.release(error)
    this.#updateHold()
  }

  get #unfinished(): number {
    return this.#life.lost ? 0 : this.checkpointing.line.end - this.checkpointing.line.watermark
  }

  // Whether something waits for us.
  get #hasWork(): boolean {
    return this.#exchange.message !== null || this.#unfinished > 0
  }

  /** What the user's code is at work on; null where nothing is in its hands. */
  get atWork(): AtWork | null {
    const window = this.#hand.atWork
    if (window !== null) return { what: 'batch', window }
    return this.#running && this.#exchange.message !== null && !isRecords(this.#exchange.message)
      ? { what: this.#exchange.message.action }
      : null
  }

  /** What a process that ends now leaves behind. */
  leaves(): Left | 'no loop' | 'no daemon' | null {
    if (this.state === 'open' && !this.#exchange.started) return 'no loop'
    if (this.state === 'ended') return this.#exchange.heard || this.#closed ? null : 'no daemon'
    return this.state === 'open' && this.#hasWork ? this.#left(false) : null
  }

  #left(forGood: boolean): Left {
    const { line } = this.checkpointing
    return {
      shardId: this.#exchange.shard?.shardId ?? null,
      action: this.#exchange.message?.action ?? null,
      unfinished: this.#unfinished,
      position: line.record(line.watermark) ?? null,
      skipped: this.checkpointing.skipsOnCrash,
      forGood,
    }
  }

  #updateHold(): void {
    const { hasWaiters } = this.checkpointing.checkpointer
    const reason = this.#hand.lock.holder !== null || this.#life.lost || hasWaiters
    if (this.#exchange.started) this.#wire.hold(reason && this.state === 'open')
    // The answer may have finished what was left early.
    if (this.#hand.lock.waiting) queueMicrotask(() => void this.#run())
  }
}
