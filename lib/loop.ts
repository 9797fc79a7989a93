// The loop over batches: what next(), return() and re-entry do. One action is in hand at a time. A batch waits for the
// user, who acknowledges it by asking for the next; everything else is answered here, while the user waits.

import { setMaxListeners } from 'node:events'
import { type ActionPort, perform } from './actions.ts'
import { Attempt, type BatchPort } from './attempt.ts'
import { RecordBatch } from './batch.ts'
import type { RetrySchedule } from './checkpoint/retry.ts'
import type { Delivery } from './delivery.ts'
import { ChannelClosedError, KclError, LeaseLostError, UsageError } from './errors.ts'
import { Ledger } from './ledger.ts'
import { Conversation } from './protocol/conversation.ts'
import type { Message, Position, Shard } from './protocol/messages.ts'
import type { Clock } from './time.ts'

/** What the loop asks of its session. */
export interface LoopPort extends Pick<ActionPort, 'hooks' | 'policy' | 'log'> {
  readonly clock: Clock
  readonly schedule: RetrySchedule
  /** Begins to read the input; called once. */
  start(): void
  write(text: string): void
  /** Whether something of ours is a reason for the process to live. */
  hold(alive: boolean): void
  /** An action is in hand, and no loop is live. */
  left(action: LeftAction): void
  /** A loop is live again. */
  entered(): void
  acknowledged(): void
  /** Nothing more will be said. */
  over(): void
}

/** An action that nobody works on. */
export interface LeftAction {
  readonly shardId: string | null
  /** Null when the session failed between two actions. */
  readonly action: string | null
  /** The first record of it that is not finished; null where there is none. */
  readonly position: Position | null
  /** No loop can come back to it. */
  readonly forGood: boolean
}

/** Drives one conversation from its first line to its end. */
export class Loop {
  readonly ledger: Ledger
  readonly #port: LoopPort
  readonly #actions: ActionPort
  readonly #batches: BatchPort
  readonly #conversation = new Conversation()
  readonly #controller = new AbortController()
  #state: 'open' | 'ended' | 'failed' = 'open'
  #failure: unknown
  #lost = false
  #started = false
  #shard: Shard | null = null
  #inHand: Message | null = null
  #delivery: Delivery | null = null
  #attempt: Attempt | null = null
  #live: BatchIterator | null = null
  #pending: PendingNext | null = null
  #leaving: (() => void)[] = []
  #running = false
  #turnedAt = 0

  constructor(port: LoopPort) {
    this.#port = port
    this.ledger = new Ledger({
      ...port,
      allowed: () => this.#conversation.allowsCheckpoint,
      send: (position) => port.write(this.#conversation.checkpoint(position)),
      leaseLost: () => this.#lose('The daemon refused a checkpoint because the lease is no longer ours'),
      gaveUp: (error) =>
        port.log.warn('An automatic checkpoint failed; a later one will cover it', { error }),
      waitersChanged: () => this.#updateHold(),
    })
    this.#actions = { ...port, ledger: this.ledger, isOpen: () => this.#state === 'open' }
    this.#batches = this.#makeBatchPort()
    setMaxListeners(0, this.#controller.signal)
  }

  get state(): 'open' | 'ended' | 'failed' {
    return this.#state
  }

  get shard(): Shard | null {
    return this.#shard
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  batches(): AsyncIterableIterator<RecordBatch> {
    return new BatchIterator(this)
  }

  /** Takes one line of the daemon. */
  receive(line: string): void {
    if (this.#state !== 'open') return
    try {
      const message = this.#conversation.receive(line)
      if (message.action === 'checkpoint') this.ledger.answered(message.error)
      else this.#take(message)
    } catch (error) {
      this.fail(error)
    }
  }

  /** The daemon's pipe ended, or broke. */
  inputEnded(cause: Error | null): void {
    if (this.#state !== 'open') return
    const action = this.#conversation.action
    if (this.#conversation.end() === 'quiet' || this.#lost) {
      this.#end(
        new ChannelClosedError('The daemon closed the conversation before the checkpoint was answered.'),
      )
      return
    }
    const text = `The daemon closed the pipe in the middle of ${action}. It was not acknowledged, and will be delivered again.`
    this.fail(new ChannelClosedError(text, cause === null ? undefined : { cause }))
  }

  /** Ends the session with an error: nothing is acknowledged or stored any more. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#failure = error
    this.#conversation.fail()
    const reason =
      error instanceof KclError ? error : new UsageError(`The session failed: ${error}`, { cause: error })
    this.#abort(reason)
    const unanswered = 'The session failed before the checkpoint was answered.'
    this.ledger.close(
      reason instanceof ChannelClosedError ? reason : new ChannelClosedError(unanswered, { cause: error }),
    )
    // With the body at work there is no pending next(): the next step of either loop throws the error.
    if (this.#pending !== null) this.#dismiss((pending) => pending.reject(error))
    this.#reportLeft(true)
    this.#finishUp()
  }

  /** Ends the session without a word to the daemon. */
  close(): void {
    if (this.#state !== 'open') return
    this.#conversation.fail()
    this.#attempt?.end('the session was closed')
    if (this.#inHand !== null) this.#reportLeft(true)
    this.#end(new ChannelClosedError('The session was closed before the checkpoint was answered.'))
  }

  /** The loop asks for a batch; with one in hand, that finishes it. */
  next(iterator: BatchIterator): Promise<IteratorResult<RecordBatch, undefined>> {
    if (iterator.done) return Promise.resolve(DONE)
    if (this.#live !== null && this.#live !== iterator) return Promise.reject(new UsageError(SECOND_LOOP))
    if (this.#pending !== null) return Promise.reject(new UsageError(NEXT_PENDING))
    if (this.#state !== 'open') {
      this.#dismiss(() => {})
      iterator.done = true
      return this.#state === 'failed' ? Promise.reject(this.#failure) : Promise.resolve(DONE)
    }
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
      if (this.#live === null) this.#enter(iterator)
      void this.#run()
    })
  }

  /** The loop is left. With the lease lost, that takes until the input has ended. */
  async leave(iterator: BatchIterator): Promise<IteratorResult<RecordBatch, undefined>> {
    iterator.done = true
    if (this.#live !== iterator) return DONE
    this.#dismiss((pending) => pending.resolve(DONE))
    void this.#run()
    if (this.#lost && this.#state === 'open') {
      await new Promise<void>((resolve) => this.#leaving.push(resolve))
    }
    return DONE
  }

  #enter(iterator: BatchIterator): void {
    this.#live = iterator
    this.#port.entered()
    if (!this.#started) {
      this.#started = true
      this.#port.start()
    }
    this.#updateHold()
  }

  #take(message: Exclude<Message, { action: 'checkpoint' }>): void {
    this.#inHand = message
    if (message.action === 'initialize') {
      this.#shard = message.shard
      this.ledger.startAt(message.shard)
    } else if (message.action === 'processRecords') {
      this.#delivery = this.ledger.deliver(message.records, message.millisBehindLatest)
    } else if (message.action === 'leaseLost') {
      this.#lose('The daemon ended the lease of this shard')
    }
    this.ledger.resume()
    void this.#run()
  }

  // Works on what is in hand for as long as it needs no user. Only one run is under way at a time.
  async #run(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      while (this.#state === 'open' && this.#inHand !== null) {
        const work = this.#nextStep(this.#inHand)
        if (work === null) break
        await work()
      }
    } catch (error) {
      this.fail(error)
    }
    this.#running = false
    if (this.#state === 'open' && this.#inHand !== null && this.#live === null) this.#reportLeft(false)
  }

  // What to do about the action in hand; null when it is the user's turn.
  #nextStep(message: Message): (() => Promise<void> | void) | null {
    const delivery = this.#delivery
    const attempt = this.#attempt
    const bodyAtWork = attempt !== null && this.#pending === null
    if (this.#lost && message.action === 'processRecords')
      return bodyAtWork ? null : () => this.#acknowledge()
    if (delivery === null) return this.#live === null && !this.#lost ? null : () => this.#perform(message)
    if (this.#pending === null) return null
    return attempt === null ? () => this.#handOut(delivery) : () => this.#finish(attempt, delivery)
  }

  async #perform(message: Message): Promise<void> {
    if (this.#shard === null || message.action === 'checkpoint') return
    await perform(message.action, this.#shard, this.#actions)
    if (this.#state === 'open') this.#acknowledge()
  }

  #handOut(delivery: Delivery): void {
    this.#attempt = new Attempt(delivery, this.#batches)
    this.#turnedAt = performance.now()
    const pending = this.#pending
    this.#pending = null
    pending?.resolve({ done: false, value: new RecordBatch(this.#attempt) })
  }

  // The user asked for the next batch: policy, answers, status.
  async #finish(attempt: Attempt, delivery: Delivery): Promise<void> {
    if (attempt.leftEarly && delivery.covering !== null) {
      await delivery.covering.catch(() => {})
      if (this.#state !== 'open' || this.#lost) return
    }
    if (attempt.leftEarly) {
      this.#dismiss((pending) => pending.reject(new UsageError(LEFT_EARLY)))
      return
    }
    attempt.end('the next batch was asked for')
    this.ledger.finishAll(delivery)
    this.ledger.askPolicy('batch', delivery)
    await this.ledger.quiet()
    if (this.#state === 'open') this.#acknowledge()
  }

  #acknowledge(): void {
    if (this.#delivery !== null) this.ledger.acknowledged()
    this.#attempt?.end('the batch was acknowledged')
    this.#attempt = null
    this.#delivery = null
    this.#inHand = null
    this.#port.write(this.#conversation.acknowledge())
    this.#port.acknowledged()
  }

  // The shard is another worker's: what is in hand is acknowledged as soon as the user lets go of it.
  #lose(why: string): void {
    if (this.#lost) return
    this.#lost = true
    this.#abort(
      new LeaseLostError(`${why}. Stop work on this shard: another worker goes on from the last checkpoint.`),
    )
    this.ledger.close('lease lost')
    this.#updateHold()
    void this.#run()
  }

  #end(reason: KclError): void {
    this.#state = 'ended'
    this.ledger.close(reason)
    if (this.#pending !== null) this.#dismiss((pending) => pending.resolve(DONE))
    this.#finishUp()
  }

  #finishUp(): void {
    this.#updateHold()
    this.#port.over()
    for (const settle of this.#leaving.splice(0)) settle()
  }

  // The live loop is over; a pending next() is settled as told.
  #dismiss(settle: (pending: PendingNext) => void): void {
    const pending = this.#pending
    if (this.#live !== null) this.#live.done = true
    this.#attempt?.end('its loop was left')
    this.#attempt = null
    this.#live = null
    this.#pending = null
    this.#updateHold()
    if (pending !== null) settle(pending)
  }

  #abort(reason: KclError): void {
    this.#controller.abort(reason)
    this.#attempt?.abort(reason)
  }

  #reportLeft(forGood: boolean): void {
    const delivery = this.#delivery
    this.#port.left({
      shardId: this.#shard?.shardId ?? null,
      action: this.#inHand?.action ?? null,
      position: delivery?.records[delivery.watermark] ?? null,
      forGood,
    })
  }

  #updateHold(): void {
    const reason = this.#live !== null || this.#lost || this.ledger.hasWaiters
    if (this.#started) this.#port.hold(reason && this.#state === 'open')
  }

  #makeBatchPort(): BatchPort {
    const { ledger } = this
    return {
      shardId: () => this.#shard?.shardId ?? '',
      handsOut: () => {
        if (this.#state === 'failed') throw this.#failure
        return !this.#lost
      },
      finished: (delivery, index) => {
        try {
          ledger.finish(delivery, index)
        } catch (error) {
          this.fail(error)
          throw error
        }
      },
      finishedAll: (delivery) => ledger.finishAll(delivery),
      store: (delivery, index) => ledger.store(delivery, index),
      skipped: (records) => ledger.skipped(records),
      turn: () => this.#turn(),
    }
  }

  // Under a body that never waits for I/O, answers, the end of the input and signals would not be seen.
  #turn(): Promise<void> | null {
    if (performance.now() - this.#turnedAt < LONGEST_WITHOUT_TURN) return null
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turnedAt = performance.now()
        resolve()
      })
    })
  }
}

// Written by hand: a generator would queue return() behind a pending next().
class BatchIterator implements AsyncIterableIterator<RecordBatch> {
  done = false
  readonly #loop: Loop

  constructor(loop: Loop) {
    this.#loop = loop
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<RecordBatch, undefined>> {
    return this.#loop.next(this)
  }

  return(): Promise<IteratorResult<RecordBatch, undefined>> {
    return this.#loop.leave(this)
  }
}

interface PendingNext {
  readonly resolve: (result: IteratorResult<RecordBatch, undefined>) => void
  readonly reject: (error: unknown) => void
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }
const LONGEST_WITHOUT_TURN = 20
const SECOND_LOOP =
  'A second loop over session.batches() was started while the first is live. One loop consumes the shard: leave the first one, or close the session.'
const NEXT_PENDING =
  'next() was called while another is pending. Ask for one batch at a time, as for await does: asking for the next batch acknowledges the one in hand.'
const LEFT_EARLY =
  'The inner loop over the batch was left early, so its other records would be lost. The batch was not acknowledged. Let the error leave the outer loop too, call batch.skipRest() to give the rest up, or call batches() again for another attempt.'
