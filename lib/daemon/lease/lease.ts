// One lease: its consumer, the daemon's conversation with it, and the effects between the two.
// Rule: an action is over when it was acknowledged or when the conversation broke; whatever the consumer does, the
// lease ends, and with it everything that the consumer started.

import type { ConsumerEvents, ConsumerExit, ShardConsumer } from '../../children/consumer.ts'
import { type Clock, systemClock } from '../../time.ts'
import { setImmediate } from '../../timers.ts'
import { DaemonConversation, type DaemonEvent } from '../conversation/conversation.ts'
import { endsRun, type Finding, finding } from '../conversation/findings.ts'
import type {
  CheckpointRequest,
  DaemonAction,
  DeliveredRecord,
  LeasePosition,
} from '../conversation/messages.ts'
import { END_TIME, endConsumer, howItEnded } from './end-consumer.ts'
import { within } from './waiting.ts'

/** What a lease asks of the daemon around it, and tells it. */
export interface LeaseHost {
  /** The consumer's process is there. */
  spawned(pid: number): void
  /** The next thing to do; a promise where there is nothing to do yet. `leaseGone`: another worker has the lease. */
  next(leaseGone: boolean): Promise<LeaseStep>
  /** The name of an exception to refuse this checkpoint with, or null. */
  refuse(request: CheckpointRequest): string | null
  /** A checkpoint to be stored before it is answered. */
  store(position: LeasePosition): void
  refused(request: CheckpointRequest, error: string): void
  /** An action begins; null: it was acknowledged. */
  action(action: DaemonAction | null): void
  acknowledged(action: DaemonAction): void
  found(finding: Finding, lastWords: readonly string[]): void
  /** A line that the consumer wrote to standard error. */
  log(line: string): unknown
  /** A line of the conversation, or a note on what happened to it. */
  line(from: 'daemon' | 'consumer' | 'note', text: string): void
}

/** What a lease does next: hand over a batch, end with the shard, give the lease back, or tell that it is gone. */
export type LeaseStep =
  | {
      readonly do: 'batch'
      readonly records: readonly DeliveredRecord[]
      readonly millisBehindLatest: number
    }
  | { readonly do: 'end-shard' }
  | { readonly do: 'drain' }
  | { readonly do: 'lose-lease' }

export interface LeaseOptions {
  readonly shardId: string
  readonly checkpoint: LeasePosition
  /** Starts the consumer. */
  readonly consumer: (events: ConsumerEvents) => ShardConsumer
  /** How long an action may go without a word from the consumer, in milliseconds; null: for ever. */
  readonly timeout: number | null
  readonly host: LeaseHost
  readonly clock?: Clock
}

/** How a lease ended: with its shard, given back, lost, broken by its consumer, or cut off from outside. */
export type LeaseEnd = 'shard-ended' | 'drained' | 'lost' | 'broken' | 'cut-off'

/** One lease, from the start of its consumer to its end. */
export class Lease {
  readonly #options: LeaseOptions
  readonly #host: LeaseHost
  readonly #clock: Clock
  readonly #conversation: DaemonConversation
  readonly #consumer: ShardConsumer
  #settle: (() => void) | null = null
  #stopTimer: () => void = () => {}
  #breaking: Promise<void> | null = null
  #exit: ConsumerExit | null = null
  #cutOff = false
  #killed = false
  #ended = false

  constructor(options: LeaseOptions) {
    const { shardId, checkpoint, host } = options
    this.#options = options
    this.#host = host
    this.#clock = options.clock ?? systemClock
    this.#conversation = new DaemonConversation({
      shardId,
      checkpoint,
      refuse: (asked) => host.refuse(asked),
    })
    this.#consumer = options.consumer({
      onSpawn: (pid) => host.spawned(pid),
      onLine: (line) => this.#receive(line),
      onOutputEnd: () => void this.#outputEnded(),
      onLog: (line) => host.log(line),
      onInputClosed: () => void this.#inputClosed(),
    })
  }

  /** Runs the lease. Resolves when the consumer and what it started are gone. */
  async run(): Promise<LeaseEnd> {
    const end = await this.#converse()
    await this.#breaking
    await this.#finish()
    if (this.#conversation.state === 'broken') return 'broken'
    if (this.#cutOff) return 'cut-off'
    return this.#conversation.leaseGone ? 'lost' : end
  }

  /** The daemon is gone from now on: no answers any more, only the end of the input; `kill`: no consumer either. */
  cutOff(kill: boolean): void {
    if (kill) this.#killed = true
    if (kill) this.#consumer.kill('SIGKILL')
    if (this.#cutOff || this.#ended) return
    this.#cutOff = true
    this.#stopTimer()
    this.#host.line('note', kill ? 'the consumer was killed' : 'the daemon was killed')
    this.#settle?.()
  }

  /** Whether there is still something to disturb. */
  get isAtWork(): boolean {
    return !this.#ended && !this.#isOver() && this.#conversation.state !== 'done'
  }

  /** Another worker takes the lease: checkpoints are refused from now on. */
  loseLease(): void {
    this.#conversation.loseLease()
  }

  async #converse(): Promise<LeaseEnd> {
    const daemon = this.#conversation
    if (!(await this.#perform(() => daemon.initialize()))) return 'broken'
    for (;;) {
      const step = await this.#host.next(daemon.leaseGone)
      if (this.#isOver()) return 'broken'
      if (step.do === 'batch') {
        const { records, millisBehindLatest } = step
        if (!(await this.#perform(() => daemon.processRecords(records, millisBehindLatest)))) return 'broken'
      } else if (step.do === 'end-shard') {
        await this.#perform(() => daemon.shardEnded())
        return 'shard-ended'
      } else {
        if (step.do === 'drain') {
          if (!(await this.#perform(() => daemon.shutdownRequested()))) return 'broken'
          await within(this.#clock, HANDOVER_TIME, this.#consumer.closed)
        }
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
    this.#host.action(this.#conversation.action)
    this.#restartTimer()
    this.#send(line)
    await over
    this.#settle = null
    this.#stopTimer()
    if (this.#isOver()) return false
    // A status too many that is on its way already must not pass for the next action's.
    await new Promise(setImmediate)
    return !this.#isOver()
  }

  #isOver(): boolean {
    return this.#conversation.state === 'broken' || this.#cutOff
  }

  #send(line: string): void {
    this.#host.line('daemon', line)
    this.#consumer.send(line)
  }

  #receive(line: string): void {
    if (this.#isOver()) return
    if (line !== '') this.#host.line('consumer', line)
    this.#follow(this.#conversation.receive(line))
    this.#restartTimer()
  }

  #follow(events: readonly DaemonEvent[]): void {
    for (const event of events) {
      if (event.type === 'send') this.#send(event.line)
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

  #found(finding: Finding): void {
    this.#host.line('note', `${finding.kind}: ${finding.daemon}`)
    if (endsRun(finding)) this.#breaking = this.#breakOff(finding)
    else this.#host.found(finding, this.#consumer.lastWords)
  }

  // What a consumer says on its way out comes on another pipe, so it is given a moment before it is quoted.
  async #breakOff(found: Finding): Promise<void> {
    this.#stopTimer()
    await within(this.#clock, LAST_WORDS_TIME, this.#consumer.closed)
    this.#consumer.kill('SIGKILL')
    this.#host.found(this.#withHint(found), this.#consumer.lastWords)
    this.#settle?.()
  }

  #withHint(found: Finding): Finding {
    const ended = found.kind === 'ended'
    if (found.action !== 'initialize' || (!ended && found.kind !== 'no-answer')) return found
    const code = ended ? (this.#exit?.code ?? null) : undefined
    const hint = this.#consumer.startHint(code)
    return hint === undefined ? found : { ...found, hint }
  }

  async #outputEnded(): Promise<void> {
    if (this.#ended || this.#isOver()) return
    const exit = await within(this.#clock, EXIT_TIME, this.#consumer.exited)
    this.#exit = exit
    if (this.#ended || this.#isOver()) return
    this.#follow(this.#conversation.outputEnded(exit === null ? 'it closed its output' : howItEnded(exit)))
  }

  async #inputClosed(): Promise<void> {
    const exit = await within(this.#clock, EXIT_TIME, this.#consumer.exited)
    if (exit === null && !this.#ended && !this.#isOver()) {
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

  async #finish(): Promise<void> {
    const orderly = this.#conversation.state === 'done' || this.#cutOff
    this.#ended = true
    this.#host.line('note', 'end of input')
    const isPatient = orderly && !this.#killed
    const grace = isPatient ? Math.min(this.#options.timeout ?? END_TIME, END_TIME) : BROKEN_TIME
    await endConsumer(this.#consumer, this.#clock, grace, (kind, came, expected) => {
      // What a consumer makes of a daemon that is gone is its own affair, as long as it ends.
      if (!orderly || (this.#cutOff && kind === 'exit-code')) return
      const details = { shardId: this.#options.shardId, action: null, came, expected }
      this.#host.found(finding(kind, details), this.#consumer.lastWords)
    })
  }
}

// In milliseconds, as all of these.
const BROKEN_TIME = 2000
const EXIT_TIME = 1000
// The real daemon takes about a second from shutdownRequested to leaseLost, in which a consumer must not end.
const HANDOVER_TIME = 500
const LAST_WORDS_TIME = 300
