// One lease: a consumer process, the daemon's conversation with it, and the effects between the two.
// Rule: an action is over when it was acknowledged or when the conversation broke; whatever the consumer does, the
// lease ends, and with it everything that the consumer started.

import type { ConsumerProtocol } from '../children/command.ts'
import { Consumer, type ConsumerExit } from '../children/consumer.ts'
import { type Clock, systemClock } from '../time.ts'
import { DaemonConversation, type DaemonEvent } from './conversation.ts'
import { endsRun, type Finding, finding } from './findings.ts'
import type { CheckpointRequest, DaemonAction, DeliveredRecord, LeasePosition } from './messages.ts'

/** What a lease asks of the daemon around it, and tells it. */
export interface LeaseHost {
  /** The next thing to do; a promise where there is nothing to do yet. Never rejects. */
  next(): Promise<LeaseStep>
  /** A checkpoint to be stored before it is answered. */
  store(position: LeasePosition): void
  /** An action begins; null: it was acknowledged. */
  action(action: DaemonAction | null): void
  acknowledged(action: DaemonAction): void
  refused(request: CheckpointRequest, error: string): void
  found(finding: Finding, lastWords: readonly string[]): void
  log(line: string): void
}

/** What a lease does next: hand over a batch, end with the shard, or give the lease back. */
export type LeaseStep =
  | {
      readonly do: 'batch'
      readonly records: readonly DeliveredRecord[]
      readonly millisBehindLatest: number
    }
  | { readonly do: 'end-shard' }
  | { readonly do: 'drain' }

export interface LeaseOptions {
  readonly shardId: string
  readonly checkpoint: LeasePosition
  readonly words: readonly string[]
  readonly protocol: ConsumerProtocol
  /** How long an action may go without a word from the consumer, in milliseconds; null: for ever. */
  readonly timeout: number | null
  readonly host: LeaseHost
  readonly clock?: Clock
}

/** How a lease ended: with its shard, given back in order, or broken. */
export type LeaseEnd = 'shard-ended' | 'drained' | 'broken'

/** One lease, from the start of its consumer to its end. */
export class Lease {
  readonly #options: LeaseOptions
  readonly #host: LeaseHost
  readonly #clock: Clock
  readonly #conversation: DaemonConversation
  readonly #consumer: Consumer
  #settle: (() => void) | null = null
  #stopTimer: () => void = () => {}
  #breaking: Promise<void> | null = null
  #killed = false
  #ended = false

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#host = options.host
    this.#clock = options.clock ?? systemClock
    this.#conversation = new DaemonConversation({ shardId: options.shardId, checkpoint: options.checkpoint })
    this.#consumer = new Consumer({
      words: options.words,
      protocol: options.protocol,
      onLine: (line) => this.#receive(line),
      onOutputEnd: () => void this.#outputEnded(),
      onLog: (line) => this.#host.log(line),
      onInputClosed: () => void this.#inputClosed(),
    })
  }

  /** Runs the lease. Resolves when the consumer and what it started are gone. */
  async run(): Promise<LeaseEnd> {
    const end = await this.#converse()
    await this.#breaking
    await this.#finish()
    return this.#conversation.state === 'broken' || this.#killed ? 'broken' : end
  }

  /** Ends the consumer and everything it started, at once. */
  kill(): void {
    this.#killed = true
    this.#consumer.kill('SIGKILL')
    this.#settle?.()
  }

  async #converse(): Promise<LeaseEnd> {
    const daemon = this.#conversation
    if (!(await this.#perform(() => daemon.initialize()))) return 'broken'
    for (;;) {
      const step = await this.#host.next()
      if (this.#isOver()) return 'broken'
      if (step.do === 'batch') {
        const { records, millisBehindLatest } = step
        if (!(await this.#perform(() => daemon.processRecords(records, millisBehindLatest)))) return 'broken'
      } else if (step.do === 'end-shard') {
        await this.#perform(() => daemon.shardEnded())
        return 'shard-ended'
      } else {
        if (await this.#perform(() => daemon.shutdownRequested()))
          await this.#perform(() => daemon.leaseLost())
        return 'drained'
      }
    }
  }

  // Sends an action and waits for its status; false when it will never come.
  async #perform(begin: () => string): Promise<boolean> {
    if (this.#isOver()) return false
    const over = new Promise<void>((resolve) => {
      this.#settle = resolve
    })
    const line = begin()
    const action = this.#conversation.action
    this.#host.action(action)
    this.#restartTimer()
    this.#consumer.send(line)
    await over
    this.#settle = null
    this.#stopTimer()
    if (this.#isOver()) return false
    // A status too many that is on its way already must not pass for the next action's.
    await new Promise(setImmediate)
    return !this.#isOver()
  }

  #isOver(): boolean {
    return this.#conversation.state === 'broken' || this.#killed
  }

  #receive(line: string): void {
    this.#restartTimer()
    this.#follow(this.#conversation.receive(line))
  }

  #follow(events: readonly DaemonEvent[]): void {
    for (const event of events) {
      if (event.type === 'send') this.#consumer.send(event.line)
      else if (event.type === 'finding') this.#found(event.finding)
      else if (event.type === 'checkpoint') {
        if (event.error !== null) this.#host.refused(event.request, event.error)
        else if (event.stored !== null) this.#host.store(event.stored)
      } else {
        this.#host.acknowledged(event.action)
        this.#host.action(null)
        this.#settle?.()
      }
    }
  }

  #found(found: Finding): void {
    if (!endsRun(found)) {
      this.#host.found(found, this.#consumer.lastWords)
      return
    }
    this.#breaking = this.#breakOff(found)
  }

  // What a consumer says on its way out comes on another pipe, so it is given a moment before it is quoted.
  async #breakOff(found: Finding): Promise<void> {
    this.#stopTimer()
    await this.#within(LAST_WORDS_TIME, this.#consumer.closed)
    this.#consumer.kill('SIGKILL')
    this.#host.found(found, this.#consumer.lastWords)
    this.#settle?.()
  }

  async #outputEnded(): Promise<void> {
    if (this.#ended || this.#killed) return
    const exit = await this.#within(EXIT_TIME, this.#consumer.exited)
    if (this.#ended || this.#killed) return
    this.#follow(this.#conversation.outputEnded(exit === null ? 'it closed its output' : howItEnded(exit)))
  }

  async #inputClosed(): Promise<void> {
    const exit = await this.#within(EXIT_TIME, this.#consumer.exited)
    if (exit === null && !this.#ended && !this.#killed) {
      this.#follow(this.#conversation.broken('input-closed', 'it closed its input and lives on'))
    }
  }

  #restartTimer(): void {
    this.#stopTimer()
    const { timeout } = this.#options
    if (timeout === null || this.#conversation.state !== 'waiting') return
    this.#stopTimer = this.#clock.after(timeout, () => {
      this.#follow(this.#conversation.broken('no-answer', `nothing for ${timeout / 1000} s`))
    })
  }

  // The end of input, then of the process, then of its pipes: each has its time.
  async #finish(): Promise<void> {
    const orderly = this.#conversation.state === 'done'
    this.#ended = true
    this.#consumer.endInput()
    const { timeout } = this.#options
    const grace = orderly ? Math.min(timeout ?? END_TIME, END_TIME) : BROKEN_TIME
    const exit = await this.#within(grace, this.#consumer.exited)
    const closed = exit === null ? null : await this.#within(grace, this.#consumer.closed)
    if (orderly && !this.#killed) this.#judgeEnd(exit, closed !== null, grace)
    if (closed === null) {
      this.#consumer.kill('SIGKILL')
      await this.#within(EXIT_TIME, this.#consumer.closed)
    }
    this.#consumer.release()
  }

  #judgeEnd(exit: ConsumerExit | null, closed: boolean, grace: number): void {
    const seconds = `${grace / 1000} s`
    const { shardId } = this.#options
    const report = (kind: 'no-end' | 'pipe-held' | 'exit-code', came: string, expected: string): void =>
      this.#host.found(finding(kind, { shardId, action: null, came, expected }), this.#consumer.lastWords)
    if (exit === null) report('no-end', `it is still there ${seconds} after the end of its input`, 'to end')
    else if (exit.code !== 0) report('exit-code', howItEnded(exit), 'to exit with code 0')
    if (exit !== null && !closed) {
      report('pipe-held', `it has ended, but ${seconds} later its pipes are still open`, 'closed pipes')
    }
  }

  /** What the promise resolves to, or null when the time is up. */
  async #within<T>(time: number, promise: Promise<T>): Promise<T | null> {
    let stop: () => void = () => {}
    const late = new Promise<null>((resolve) => {
      stop = this.#clock.after(time, () => resolve(null))
    })
    const first = await Promise.race([promise, late])
    stop()
    return first
  }
}

function howItEnded(exit: ConsumerExit): string {
  return exit.signal === null ? `it exited with code ${exit.code}` : `it was killed by ${exit.signal}`
}

// How long a consumer may take to end after the end of its input, at most; in milliseconds, as all of these.
const END_TIME = 10_000
const BROKEN_TIME = 2000
const EXIT_TIME = 1000
const LAST_WORDS_TIME = 300
