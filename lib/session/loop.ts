// The loop over batches: the action in hand, and what next() and return() do about it. One action is in hand at a time.
// Records wait for the user, who finishes a batch by asking for the next; everything else is answered here, meanwhile.

import type { CutLine } from '../protocol/line.ts'
import type { Message } from '../protocol/messages.ts'
import { queueMicrotask } from '../timers.ts'
import type { Abandonment } from './abandonment.ts'
import type { RecordHandler } from './batch.ts'
import { BatchIterator, type BatchResult, type BatchSource, DONE, type Sizes } from './batch-iterator.ts'
import { Core, type LoopOptions } from './core.ts'
import { isRecords, type Wire } from './exchange.ts'
import { handleBatches } from './for-each.ts'
import { readWork, type SessionForEachOptions } from './work.ts'

/** Drives one conversation from its first line to its end. */
export class Loop extends Core implements BatchSource {
  #pausing = false

  constructor(options: LoopOptions, wire: Wire, abandonment: Abandonment) {
    super(options, wire, abandonment, {
      leaseLost: () => this.#lose('The daemon refused a checkpoint because the lease is no longer ours'),
      gaveUp: (error) =>
        this.log.warn('An automatic checkpoint failed; a later one will cover it', { error }),
      waitersChanged: () => this.updateHold(),
    })
  }

  /** Takes one line of the daemon; a blank one, which framing may leave behind, says nothing. */
  receive(line: string | CutLine): void {
    if (this.state !== 'open' || line === '') return
    try {
      const message = this.exchange.receive(line)
      if (message.action === 'checkpoint') this.checkpointing.checkpointer.answered(message.error)
      else this.#take(message)
    } catch (error) {
      this.fail(error)
    }
  }

  /** The loop asks for a batch; with one in hand, that finishes it. */
  next(iterator: BatchIterator): Promise<BatchResult> {
    // Whoever comes back again and again without waiting for anything must not keep everything else from running.
    if (iterator.done)
      return this.state === 'open' ? this.turns.turn().then(() => DONE) : Promise.resolve(DONE)
    try {
      this.hand.lock.check(iterator)
    } catch (error) {
      return Promise.reject(error)
    }
    if (this.state !== 'open') {
      this.dismiss()
      iterator.done = true
      return this.state === 'failed' ? Promise.reject(this.life.failure) : Promise.resolve(DONE)
    }
    const entered = this.hand.lock.holder === null
    const result = this.hand.lock.ask(iterator)
    this.hand.asked()
    if (entered) this.#enter()
    if (entered && this.hand.left) void this.#pause()
    else this.#run()
    return result
  }

  /** The loop is left. With the lease lost, that takes until the input has ended. */
  async leave(iterator: BatchIterator): Promise<BatchResult> {
    iterator.done = true
    if (this.hand.lock.holder !== iterator) return DONE
    this.dismiss()
    this.#run()
    if (this.life.lost && this.state === 'open') {
      await new Promise<void>((resolve) => this.leaving.push(resolve))
    }
    return DONE
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
      if (this.hand.overlaps) this.#run()
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  #enter(): void {
    this.abandonment.entered()
    if (!this.exchange.started) {
      this.exchange.start()
    }
    this.updateHold()
  }

  #take(message: Message): void {
    const { checkpointing } = this
    // Whatever comes of this line happens now: one reading of the clock will do.
    checkpointing.progressed()
    if (message.action === 'initialize') {
      checkpointing.startAt(message.shard)
    } else if (message.action === 'processRecords') {
      if (!this.life.lost) checkpointing.deliver(message.records, message.millisBehindLatest)
    } else if (message.action === 'leaseLost') {
      this.#lose('The daemon ended the lease of this shard')
    }
    checkpointing.checkpointer.resume()
    this.telemetry.took(message)
    this.#run()
  }

  // Another attempt waits for a turn of the event loop: a user who tries again and again may wait for nothing else.
  async #pause(): Promise<void> {
    this.#pausing = true
    await this.turns.turn()
    this.#pausing = false
    this.#resume()
  }

  // Works on what is in hand for as long as it needs no user. Only one run is under way at a time.
  #run(): void {
    if (this.running) return
    this.running = true
    try {
      for (let step = this.#nextStep(); step !== null; step = this.#nextStep()) {
        const done = step.call(this)
        if (done !== undefined) return void this.#runAfter(done)
      }
    } catch (error) {
      this.fail(error)
    }
    this.running = false
    if (this.state === 'open' && this.hand.lock.holder === null && this.hasWork)
      this.abandonment.left(this.left(false))
  }

  async #runAfter(step: Promise<void>): Promise<void> {
    try {
      await step
    } catch (error) {
      this.fail(error)
    }
    this.running = false
    this.#resume()
  }

  // Goes on after a wait.
  #resume(): void {
    this.checkpointing.progressed()
    this.#run()
  }

  // What to do now; null when it is the user's turn, or the daemon's.
  #nextStep(): ((this: Loop) => Promise<void> | void) | null {
    const hand = this.hand
    const { waiting } = hand.lock
    const message = this.exchange.message
    if (this.state !== 'open' || hand.busy || this.#pausing) return null
    if (this.life.lost) return message === null ? null : this.#answerAfterLoss
    if (hand.batch !== null) return hand.mayBeCovered ? null : this.#finish
    if (hand.left || hand.hasMore) {
      const ending = message?.action === 'shutdownRequested' || message?.action === 'shardEnded'
      if (!waiting) return null
      if (hand.give(ending, () => this.#resume())) {
        this.vigil.start()
        return null
      }
      // More records are wanted.
      if (message?.action !== 'processRecords') return null
    } else if (this.unfinished > 0 && message?.action !== 'processRecords') return null
    if (message === null || (hand.lock.holder === null && !isRecords(message))) return null
    return this.#answer
  }

  #finish(): void {
    this.hand.finish()
    if (this.hand.lock.holder === null) this.updateHold()
  }

  // Does what the action calls for and acknowledges it, when no answer to a checkpoint is on its way any more.
  #answer(): Promise<void> | void {
    const { message } = this.exchange
    if (message !== null && !isRecords(message)) this.checkpointing.progressed()
    const done = this.exchange.perform(this)
    if (done === undefined && !this.exchange.awaitsAnswer) return this.#acknowledge()
    return this.#acknowledgeAfter(done)
  }

  // What the user's code asks for while we wait for one answer may have sent another checkpoint by now.
  async #acknowledgeAfter(done: Promise<void> | void): Promise<void> {
    if (this.state === 'open') this.vigil.start()
    await done
    while (this.exchange.awaitsAnswer) await this.checkpointing.checkpointer.quiet()
    this.checkpointing.progressed()
    if (this.state === 'open') this.#acknowledge()
  }

  // The shard is another worker's: what was in the user's hands is dropped.
  #answerAfterLoss(): Promise<void> | void {
    this.telemetry.batchLeft(this.life.signal.reason)
    this.hand.drop()
    return this.exchange.message?.action === 'processRecords' ? this.#acknowledge() : this.#answer()
  }

  #acknowledge(): void {
    const { message } = this.exchange
    this.exchange.acknowledge()
    this.telemetry.acknowledged(message)
    this.checkpointing.release()
    if (!this.hasWork) this.abandonment.entered()
  }

  #lose(why: string): void {
    if (this.life.lost) return
    const reason = this.life.lose(why)
    this.telemetry.leaseLost(reason)
    this.hand.batch?.abort(reason)
    this.checkpointing.checkpointer.close('lease lost')
    this.updateHold()
    this.#run()
  }

  protected updateHold(): void {
    const { hasWaiters } = this.checkpointing.checkpointer
    const reason = this.hand.lock.holder !== null || this.life.lost || hasWaiters
    if (this.exchange.started) this.wire.hold(reason && this.state === 'open')
    // The answer may have finished what was left early.
    if (this.hand.lock.waiting) queueMicrotask(() => this.#run())
  }
}
