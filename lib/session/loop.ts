// The loop over batches: the action in hand, and what next() and return() do about it. One action is in hand at a time.
// Records wait for the user, who finishes a batch by asking for the next; everything else is answered here, meanwhile.

import { AsyncResource } from 'node:async_hooks'
import { inspect } from 'node:util'
import type { CheckpointPolicy } from '../checkpoint/policy.ts'
import type { RetrySchedule } from '../checkpoint/retry.ts'
import { ChannelClosedError, KclError, LeaseLostError, UsageError } from '../errors.ts'
import type { Logger } from '../io/log.ts'
import { Conversation } from '../protocol/conversation.ts'
import type { Message, Shard } from '../protocol/messages.ts'
import type { Clock } from '../time.ts'
import { queueMicrotask } from '../timers.ts'
import { type Abandonment, comesAgain, type Left } from './abandonment.ts'
import type { BatchOwner, ForEachOptions, RecordBatch, RecordHandler } from './batch.ts'
import { BatchIterator, type BatchResult, type BatchSource, DONE, type Sizes } from './batch-iterator.ts'
import { Checkpointing } from './checkpointing.ts'
import { handleBatch, readWork, type SessionForEachOptions } from './for-each.ts'
import { Hand } from './hand.ts'
import { type HookOwner, perform, type SessionHooks } from './hooks.ts'
import { Turns } from './record-iterator.ts'
import { LazySignal } from './signal.ts'
import { type AtWork, Vigil } from './vigil.ts'

/** The streams that a loop speaks on. */
export interface Wire {
  /** Begins to read; called once. */
  start(): void
  /** `written` is called when the text is out. */
  write(text: string, written?: () => void): void
  /** Whether something of ours is a reason for the process to live. */
  hold(alive: boolean): void
  /** Nothing more will be said. */
  over(): void
}

/** What a loop goes by. */
export interface LoopOptions {
  readonly clock: Clock
  readonly policy: CheckpointPolicy
  readonly schedule: RetrySchedule
  /** Milliseconds. */
  readonly warnAfter: number
  readonly hooks: SessionHooks
  readonly log: Logger
}

/** Drives one conversation from its first line to its end. */
export class Loop implements BatchSource, BatchOwner, HookOwner {
  readonly hooks: SessionHooks
  readonly policy: CheckpointPolicy
  readonly log: Logger
  readonly clock: Clock
  readonly checkpointing: Checkpointing
  readonly turns: Turns = new Turns()
  readonly counts = { batches: 0, skipped: 0 }
  readonly #wire: Wire
  readonly #abandonment: Abandonment
  readonly #conversation = new Conversation()
  readonly #signal = new LazySignal()
  readonly #hand: Hand = new Hand(this)
  #state: 'open' | 'ended' | 'failed' = 'open'
  #failure: unknown
  #lost = false
  #heard = false
  #closed = false
  // In whose context hooks run; made when the first loop starts.
  #caller: AsyncResource | null = null
  #shard: Shard | null = null
  #inHand: Message | null = null
  readonly #vigil: Vigil
  #leaving: (() => void)[] = []
  #running = false
  #pausing = false

  constructor(options: LoopOptions, wire: Wire, abandonment: Abandonment) {
    this.hooks = options.hooks
    this.policy = options.policy
    this.log = options.log
    this.clock = options.clock
    this.#wire = wire
    this.#abandonment = abandonment
    this.#vigil = new Vigil(this, options.warnAfter)
    this.checkpointing = new Checkpointing({
      ...options,
      allowed: () => this.#conversation.allowsCheckpoint,
      send: (position) => wire.write(this.#conversation.checkpoint(position)),
      leaseLost: () => this.#lose('The daemon refused a checkpoint because the lease is no longer ours'),
      gaveUp: (error) =>
        this.log.warn('An automatic checkpoint failed; a later one will cover it', { error }),
      waitersChanged: () => this.#updateHold(),
    })
  }

  get state(): 'open' | 'ended' | 'failed' {
    return this.#state
  }

  get shard(): Shard | null {
    return this.#shard
  }

  get signal(): AbortSignal {
    return this.#signal.signal
  }

  /** Takes one line of the daemon; a blank one, which framing may leave behind, says nothing. */
  receive(line: string): void {
    if (this.#state !== 'open' || line === '') return
    this.#heard = true
    try {
      const message = this.#conversation.receive(line)
      if (message.action === 'checkpoint') this.checkpointing.checkpointer.answered(message.error)
      else this.#take(message)
    } catch (error) {
      this.fail(error)
    }
  }

  /** The daemon's pipe ended, or broke. */
  inputEnded(cause: Error | null): void {
    if (this.#state !== 'open') return
    const action = this.#conversation.action
    const quiet = this.#conversation.end() === 'quiet' && this.#unfinished === 0
    if (quiet || this.#lost) {
      this.#end(
        new ChannelClosedError('The daemon closed the conversation before the checkpoint was answered.'),
      )
      return
    }
    const where =
      action === null ? `with ${this.#unfinished} unfinished records in hand` : `in the middle of ${action}`
    const text = `The daemon closed the pipe ${where}. ${action === null ? 'They were' : 'It was'} not acknowledged, and ${comesAgain(this.checkpointing.skipsOnCrash)}.`
    this.fail(new ChannelClosedError(text, cause === null ? undefined : { cause }))
  }

  /** What was said did not reach the daemon: never a quiet end, whatever the input does. */
  outputFailed(cause: Error): void {
    const text = `The daemon closed its end of the pipe before it had our last answer. What it did not read is not acknowledged, and ${comesAgain(this.checkpointing.skipsOnCrash)}.`
    const error = new ChannelClosedError(text, { cause })
    if (this.#lost) {
      this.log.warn('The daemon was gone before it had our last answer, after the lease was lost', { error })
      this.inputEnded(cause)
    } else this.fail(error)
  }

  /** Ends the session with an error: nothing is acknowledged or stored any more. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#failure = error
    this.#conversation.fail()
    const reason =
      error instanceof KclError
        ? error
        : new UsageError(`The session failed: ${show(error)}`, { cause: error })
    this.#abort(reason)
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
    if (this.#state !== 'open') return
    this.#conversation.fail()
    this.#hand.batch?.end('the session was closed')
    if (this.#inHand !== null || this.#unfinished > 0) this.#abandonment.left(this.#left(true))
    this.#end(new ChannelClosedError('The session was closed before the checkpoint was answered.'))
  }

  /** The loop asks for a batch; with one in hand, that finishes it. */
  next(iterator: BatchIterator): Promise<BatchResult> {
    // Whoever comes back again and again without waiting for anything must not keep everything else from running.
    if (iterator.done)
      return this.#state === 'open' ? this.turns.turn().then(() => DONE) : Promise.resolve(DONE)
    try {
      this.#hand.lock.check(iterator)
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.#state !== 'open') {
      this.#dismiss()
      iterator.done = true
      return this.#state === 'failed' ? Promise.reject(this.#failure) : Promise.resolve(DONE)
    }
    const entered = this.#hand.lock.holder === null
    const result = this.#hand.lock.ask(iterator)
    this.#hand.batch?.end('the next batch was asked for')
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
    if (this.#lost && this.#state === 'open') {
      await new Promise<void>((resolve) => this.#leaving.push(resolve))
    }
    return DONE
  }

  /** Whether records may be handed out: not once the lease is lost. Throws what the session failed with. */
  handsOut(): boolean {
    if (this.#state === 'failed') throw this.#failure
    return !this.#lost
  }

  skipped(records: number): void {
    this.counts.skipped += records
  }

  /** Runs handlers over a batch. */
  async handle(batch: RecordBatch, handler: RecordHandler, options: ForEachOptions): Promise<void> {
    await handleBatch(this, batch, readWork(handler, options, 'batch.forEach()'))
  }

  /** Runs handlers over all batches, until the conversation ends. */
  async forEach(handler: RecordHandler, options: SessionForEachOptions): Promise<void> {
    const work = readWork(handler, options, 'session.forEach()')
    for await (const batch of this.batches(work.sizes)) await handleBatch(this, batch, work)
  }

  /** The batches of one loop, of the daemon's size or one's own. */
  batches(sizes: Sizes | null): BatchIterator {
    return new BatchIterator(this, sizes)
  }

  /** Takes a record as finished. Throws what the policy throws, with which the session fails. */
  finish(number: number): void {
    try {
      this.checkpointing.finish(number)
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  #enter(): void {
    this.#abandonment.entered()
    if (this.#caller === null) {
      this.#caller = new AsyncResource('KclSession')
      this.#wire.start()
      this.#vigil.start()
    }
    this.#updateHold()
  }

  #take(message: Exclude<Message, { action: 'checkpoint' }>): void {
    const { checkpointing } = this
    this.#inHand = message
    if (message.action === 'initialize') {
      this.#shard = message.shard
      checkpointing.startAt(message.shard)
    } else if (message.action === 'processRecords') {
      if (!this.#lost) checkpointing.deliver(message.records, message.millisBehindLatest)
    } else if (message.action === 'leaseLost') {
      this.#lose('The daemon ended the lease of this shard')
    }
    checkpointing.checkpointer.resume()
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
    if (this.#state === 'open' && this.#hand.lock.holder === null && this.#hasWork)
      this.#abandonment.left(this.#left(false))
  }

  // What to do now; null when it is the user's turn, or the daemon's.
  #nextStep(): (() => Promise<void> | void) | null {
    const hand = this.#hand
    const { waiting } = hand.lock
    const message = this.#inHand
    if (this.#state !== 'open' || hand.busy || this.#pausing) return null
    if (this.#lost) return message === null ? null : () => this.#answerAfterLoss(message)
    if (hand.batch !== null) return hand.mayBeCovered ? null : () => this.#finish()
    if (hand.left || this.#unfinished > 0) {
      const ending = message?.action === 'shutdownRequested' || message?.action === 'shardEnded'
      if (!waiting || hand.give(ending, () => void this.#run())) return null
      // More records are wanted.
      if (message?.action !== 'processRecords') return null
    }
    if (message === null || (hand.lock.holder === null && !isRecords(message))) return null
    return () => this.#answer(message)
  }

  #finish(): void {
    this.#hand.finish()
    if (this.#hand.lock.holder === null) this.#updateHold()
  }

  // Does what the action calls for and acknowledges it, when no answer to a checkpoint is on its way any more.
  #answer(message: Message): Promise<void> | void {
    const shard = this.#shard
    if (shard === null) return
    // A delivery with records has been worked on, or goes on waiting for its batch to fill.
    this.checkpointing.progressed()
    const done = isRecords(message)
      ? undefined
      : this.#caller?.runInAsyncScope(perform, undefined, message, shard, this)
    if (done === undefined && !this.#conversation.awaitsAnswer) return this.#acknowledge()
    return this.#acknowledgeAfter(done)
  }

  // What the user's code asks for while we wait for one answer may have sent another checkpoint by now.
  async #acknowledgeAfter(done: Promise<void> | void): Promise<void> {
    await done
    while (this.#conversation.awaitsAnswer) await this.checkpointing.checkpointer.quiet()
    if (this.#state === 'open') this.#acknowledge()
  }

  readonly #delivered = (): void => {
    this.counts.batches += 1
  }

  // The shard is another worker's: what was in the user's hands is dropped.
  #answerAfterLoss(message: Message): Promise<void> | void {
    this.#hand.drop()
    return message.action === 'processRecords' ? this.#acknowledge() : this.#answer(message)
  }

  #acknowledge(): void {
    const written = this.#inHand !== null && isRecords(this.#inHand) ? this.#delivered : undefined
    this.#inHand = null
    this.#wire.write(this.#conversation.acknowledge(), written)
    this.checkpointing.release()
    if (!this.#hasWork) this.#abandonment.entered()
  }

  #lose(why: string): void {
    if (this.#lost) return
    this.#lost = true
    this.#abort(
      new LeaseLostError(`${why}. Stop work on this shard: another worker goes on from the last checkpoint.`),
    )
    this.checkpointing.checkpointer.close('lease lost')
    this.#updateHold()
    void this.#run()
  }

  #end(reason: KclError): void {
    this.#state = 'ended'
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
    this.#hand.release(error)
    this.#updateHold()
  }

  #abort(reason: KclError): void {
    this.#signal.abort(() => reason)
    this.#hand.batch?.abort(reason)
  }

  get #unfinished(): number {
    return this.#lost ? 0 : this.checkpointing.line.end - this.checkpointing.line.watermark
  }

  // Whether something waits for us.
  get #hasWork(): boolean {
    return this.#inHand !== null || this.#unfinished > 0
  }

  /** What the user's code is at work on; null where nothing is in its hands. */
  get atWork(): AtWork | null {
    const { batch } = this.#hand
    if (this.#hand.busy && batch !== null) return { what: 'batch', window: batch.window }
    return this.#running && this.#inHand !== null && !isRecords(this.#inHand)
      ? { what: this.#inHand.action }
      : null
  }

  /** What a process that ends now leaves behind. */
  leaves(): Left | 'no loop' | 'no daemon' | null {
    if (this.#state === 'open' && this.#caller === null) return 'no loop'
    if (this.#state === 'ended') return this.#heard || this.#closed ? null : 'no daemon'
    return this.#state === 'open' && this.#hasWork ? this.#left(false) : null
  }

  #left(forGood: boolean): Left {
    const { line } = this.checkpointing
    return {
      shardId: this.#shard?.shardId ?? null,
      action: this.#inHand?.action ?? null,
      unfinished: this.#unfinished,
      position: line.record(line.watermark) ?? null,
      skipped: this.checkpointing.skipsOnCrash,
      forGood,
    }
  }

  #updateHold(): void {
    const { hasWaiters } = this.checkpointing.checkpointer
    const reason = this.#hand.lock.holder !== null || this.#lost || hasWaiters
    if (this.#caller !== null) this.#wire.hold(reason && this.#state === 'open')
    // The answer may have finished what was left early.
    if (this.#hand.lock.waiting) queueMicrotask(() => void this.#run())
  }
}

function isRecords(message: Message): boolean {
  return message.action === 'processRecords' && message.records.length > 0
}

// Anything can be thrown, even what has no text.
function show(error: unknown): string {
  try {
    return error instanceof Error ? String(error) : inspect(error)
  } catch {
    return 'an error whose text cannot be told'
  }
}
