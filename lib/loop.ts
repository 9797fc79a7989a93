// The loop over batches: what next(), return() and re-entry do. One action is in hand at a time. A batch waits for the
// user, who acknowledges it by asking for the next; everything else is answered here, while the user waits.

import { setMaxListeners } from 'node:events'
import { inspect } from 'node:util'
import { type ActionPort, perform } from './actions.ts'
import { Attempt, type BatchPort } from './attempt.ts'
import { RecordBatch } from './batch.ts'
import type { RetrySchedule } from './checkpoint/retry.ts'
import type { Delivery } from './delivery.ts'
import { ChannelClosedError, KclError, LeaseLostError, UsageError } from './errors.ts'
import { Ledger } from './ledger.ts'
import { Conversation } from './protocol/conversation.ts'
import type { Message, Position, Shard } from './protocol/messages.ts'
import { BatchIterator, type BatchResult, DONE, Seat, type SeatPort } from './seat.ts'
import type { Clock } from './time.ts'
import { Turns } from './turns.ts'

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
export class Loop implements SeatPort {
  readonly ledger: Ledger
  readonly #port: LoopPort
  readonly #actions: ActionPort
  readonly #batches: BatchPort
  readonly #conversation = new Conversation()
  readonly #controller = new AbortController()
  readonly #seat = new Seat()
  readonly #turns = new Turns()
  #state: 'open' | 'ended' | 'failed' = 'open'
  #failure: unknown
  #lost = false
  #started = false
  #shard: Shard | null = null
  #inHand: Message | null = null
  #delivery: Delivery | null = null
  #attempt: Attempt | null = null
  #leaving: (() => void)[] = []
  #running = false

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

  /** Takes one line of the daemon; a blank one, which framing may leave behind, says nothing. */
  receive(line: string): void {
    if (this.#state !== 'open' || line === '') return
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
      error instanceof KclError
        ? error
        : new UsageError(`The session failed: ${show(error)}`, { cause: error })
    this.#abort(reason)
    const unanswered = 'The session failed before the checkpoint was answered.'
    this.ledger.close(
      reason instanceof ChannelClosedError ? reason : new ChannelClosedError(unanswered, { cause: error }),
    )
    // With the body at work there is no pending next(): the next step of either loop throws the error.
    if (this.#seat.waiting) this.#dismiss({ reason: error })
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
  async next(iterator: BatchIterator): Promise<BatchResult> {
    if (iterator.done) return DONE
    this.#seat.check(iterator)
    if (this.#state !== 'open') {
      this.#dismiss()
      iterator.done = true
      if (this.#state === 'failed') throw this.#failure
      return DONE
    }
    const entered = !this.#seat.taken
    const result = this.#seat.ask(iterator)
    this.#attempt?.end('the next batch was asked for')
    if (entered) this.#enter()
    void this.#run()
    return result
  }

  /** The loop is left. With the lease lost, that takes until the input has ended. */
  async leave(iterator: BatchIterator): Promise<BatchResult> {
    iterator.done = true
    if (!this.#seat.holds(iterator)) return DONE
    this.#dismiss()
    void this.#run()
    if (this.#lost && this.#state === 'open') {
      await new Promise<void>((resolve) => this.#leaving.push(resolve))
    }
    return DONE
  }

  #enter(): void {
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
    if (this.#state === 'open' && this.#inHand !== null && !this.#seat.taken) this.#reportLeft(false)
  }

  // What to do about the action in hand; null when it is the user's turn.
  #nextStep(message: Message): (() => Promise<void> | void) | null {
    const delivery = this.#delivery
    const attempt = this.#attempt
    const bodyAtWork = attempt !== null && !this.#seat.waiting
    if (this.#lost && message.action === 'processRecords')
      return bodyAtWork ? null : () => this.#acknowledge()
    if (delivery === null) return !this.#seat.taken && !this.#lost ? null : () => this.#perform(message)
    if (!this.#seat.waiting) return null
    // Whether the rest of a batch that was left early is finished is for the daemon to say.
    if (attempt?.leftEarly && delivery.covering > 0) return null
    return attempt === null ? () => this.#handOut(delivery) : () => this.#finish(attempt, delivery)
  }

  async #perform(message: Message): Promise<void> {
    if (this.#shard === null || message.action === 'checkpoint') return
    await perform(message.action, this.#shard, this.#actions)
    await this.#acknowledgeWhenAnswered()
  }

  #handOut(delivery: Delivery): void {
    this.#attempt = new Attempt(delivery, this.#batches)
    this.#turns.turned()
    this.#seat.give(new RecordBatch(this.#attempt))
  }

  // The user asked for the next batch: policy, answers, status.
  async #finish(attempt: Attempt, delivery: Delivery): Promise<void> {
    if (attempt.leftEarly) {
      this.#dismiss({ reason: new UsageError(LEFT_EARLY) })
      return
    }
    this.ledger.finishAll(delivery)
    this.ledger.askPolicy('batch', delivery)
    await this.#acknowledgeWhenAnswered()
  }

  #store(delivery: Delivery, index: number): Promise<boolean> {
    const stored = this.ledger.store(delivery, index)
    const settled = (): void => {
      if (this.#seat.waiting) void this.#run()
    }
    stored.then(settled, settled)
    return stored
  }

  // What the user's code asks for while we wait for one answer may have sent another checkpoint by now.
  async #acknowledgeWhenAnswered(): Promise<void> {
    while (this.#conversation.awaitsAnswer) await this.ledger.quiet()
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
    if (this.#seat.waiting) this.#dismiss()
    this.#finishUp()
  }

  #finishUp(): void {
    this.#updateHold()
    this.#port.over()
    for (const settle of this.#leaving.splice(0)) settle()
  }

  // The live loop is over, and with it the attempt.
  #dismiss(error?: { readonly reason: unknown }): void {
    this.#attempt?.end('its loop was left')
    this.#attempt = null
    this.#seat.vacate(error)
    this.#updateHold()
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
    const reason = this.#seat.taken || this.#lost || this.ledger.hasWaiters
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
      store: (delivery, index) => this.#store(delivery, index),
      storeFinished: () => ledger.storeFinished(),
      skipped: (records) => ledger.skipped(records),
      turn: () => this.#turns.due(),
    }
  }
}

// Anything can be thrown, even what has no text.
function show(error: unknown): string {
  return error instanceof Error ? String(error) : inspect(error)
}

const LEFT_EARLY =
  'The inner loop over the batch was left early, so its other records would be lost. The batch was not acknowledged. Let the error leave the outer loop too, call batch.skipRest() to give the rest up, or call batches() again for another attempt.'
