// The daemon's side of one conversation: one consumer process on one lease. Pure: it is handed a line and returns
// what follows from it, so a shard of `dev`, a test and a replay all speak with the same daemon.
// Rules (the daemon's own): one action at a time; between an action and its status the consumer may checkpoint;
// a finding that the real daemon would not survive ends the conversation, and whatever comes after is ignored.

import { Checkpointer, type CheckpointOutcome, SHARD_END } from './checkpointer.ts'
import { endsRun, type Finding, type FindingKind, finding } from './findings.ts'
import {
  type CheckpointRequest,
  type ConsumerLine,
  checkpointLine,
  type DaemonAction,
  type DeliveredRecord,
  initializeLine,
  type LeasePosition,
  plainLine,
  processRecordsLine,
  readConsumerLine,
  shutdownLine,
} from './messages.ts'

/** What follows from a consumer's line, in this order. */
export type DaemonEvent =
  /** Write this line to the consumer; the newline is not part of it. */
  | { readonly type: 'send'; readonly line: string }
  /** The action in hand is done. */
  | { readonly type: 'acknowledged'; readonly action: DaemonAction }
  /** A checkpoint was answered: refused by name, or null; `stored` is null where the table did not change. */
  | {
      readonly type: 'checkpoint'
      readonly request: CheckpointRequest
      readonly error: string | null
      readonly stored: LeasePosition | null
    }
  | { readonly type: 'finding'; readonly finding: Finding }

export interface DaemonConversationOptions {
  readonly shardId: string
  /** Where the lease stands: `TRIM_HORIZON` (exported) for a new one. */
  readonly checkpoint: LeasePosition
  /** Asked at each checkpoint that would be accepted: the name of an exception to refuse it with, or null. */
  readonly refuse?: (request: CheckpointRequest) => string | null
}

/** The state of a conversation: between actions, in one, after the last one's status, or broken by a finding. */
export type DaemonState = 'idle' | 'waiting' | 'done' | 'broken'

/** One conversation, from `initialize` to the end of the consumer's output. */
export class DaemonConversation {
  readonly shardId: string
  readonly #checkpointer: Checkpointer
  readonly #refuse: (request: CheckpointRequest) => string | null
  #action: DaemonAction | null = null
  #state: DaemonState = 'idle'
  #leaseGone = false
  #endsShard = false

  constructor(options: DaemonConversationOptions) {
    this.shardId = options.shardId
    this.#checkpointer = new Checkpointer(options.checkpoint)
    this.#refuse = options.refuse ?? (() => null)
  }

  get state(): DaemonState {
    return this.#state
  }

  /** The action that waits for its status, or null. */
  get action(): DaemonAction | null {
    return this.#action
  }

  /** What the lease table holds. */
  get checkpoint(): LeasePosition {
    return this.#checkpointer.last
  }

  /** Whether another worker owns the lease: told by `loseLease`, or by a `ShutdownException` of `refuse`. */
  get leaseGone(): boolean {
    return this.#leaseGone
  }

  /** Begins the conversation. Like all that begin an action, it returns the line to send. */
  initialize(): string {
    this.#begin('initialize')
    return initializeLine(this.shardId, this.#checkpointer.last)
  }

  /** Hands over a batch, which may be empty. */
  processRecords(records: readonly DeliveredRecord[], millisBehindLatest: number | null): string {
    this.#begin('processRecords')
    const last = records.at(-1)
    if (last) {
      this.#checkpointer.deliver({
        sequenceNumber: last.sequenceNumber,
        subSequenceNumber: last.subSequenceNumber,
      })
    }
    return processRecordsLine(records, millisBehindLatest)
  }

  shutdownRequested(): string {
    this.#begin('shutdownRequested')
    return plainLine('shutdownRequested')
  }

  leaseLost(): string {
    this.#begin('leaseLost')
    return plainLine('leaseLost')
  }

  shardEnded(): string {
    this.#begin('shardEnded')
    this.#endShard()
    return plainLine('shardEnded')
  }

  /** What a 1.x daemon says instead of `shardEnded` (TERMINATE) and `leaseLost` (ZOMBIE). */
  shutdown(reason: 'TERMINATE' | 'ZOMBIE'): string {
    this.#begin('shutdown')
    if (reason === 'TERMINATE') this.#endShard()
    else this.#leaseGone = true
    return shutdownLine(reason)
  }

  /** Another worker has taken the lease: every checkpoint from now on is refused with `ShutdownException`. */
  loseLease(): void {
    this.#leaseGone = true
  }

  /** A line of the consumer, without its line end. */
  receive(line: string): DaemonEvent[] {
    if (this.#state === 'broken' || this.#state === 'done') return []
    const read = readConsumerLine(line)
    switch (read.kind) {
      case 'blank':
        return []
      case 'status':
        return this.#status(read.responseFor, line)
      case 'checkpoint':
        return this.#checkpoint(read, line)
      case 'null':
        return [this.#found('null-line', line)]
      case 'skipped':
        return [this.#skipped(read, line)]
    }
  }

  /** The consumer's output has ended; `how` says what became of it ("exited with code 1"). */
  outputEnded(how: string): DaemonEvent[] {
    if (this.#state === 'broken' || this.#state === 'done') return []
    if (this.#state === 'waiting') return [this.#found('ended', how)]
    return [this.#found('ended-idle', how, 'to stay alive until its input ends')]
  }

  /** Something that only the world around can see: a time that ran out, a pipe that was closed. */
  broken(kind: 'input-closed' | 'no-answer', came: string): DaemonEvent[] {
    return this.#state === 'broken' ? [] : [this.#found(kind, came)]
  }

  #begin(action: DaemonAction): void {
    if (this.#state !== 'idle') {
      throw new Error(
        `${action}: the conversation is ${this.#state}, with ${this.#action ?? 'no action'} in hand`,
      )
    }
    this.#state = 'waiting'
    this.#action = action
  }

  #endShard(): void {
    this.#endsShard = true
    this.#checkpointer.endShard()
  }

  #status(responseFor: string | null, line: string): DaemonEvent[] {
    const action = this.#action
    if (action === null) return [this.#found('second-status', line)]
    if (responseFor !== action) return [this.#found('wrong-response', line)]
    const events: DaemonEvent[] = []
    if (this.#endsShard && !this.#leaseGone && this.checkpoint.sequenceNumber !== SHARD_END.sequenceNumber) {
      events.push(this.#found('shard-end-not-stored', line))
      return events
    }
    this.#action = null
    this.#state = LAST_ACTIONS.has(action) ? 'done' : 'idle'
    return [{ type: 'acknowledged', action }]
  }

  #checkpoint(request: CheckpointRequest, line: string): DaemonEvent[] {
    if (this.#action === null) return [this.#found('late-checkpoint', line)]
    const { sequenceNumber, subSequenceNumber } = request
    const asked = { sequenceNumber, subSequenceNumber }
    if (!MAY_CHECKPOINT.has(this.#action)) {
      return [...this.#answer(asked, 'InvalidStateException'), this.#found('checkpoint-out-of-turn', line)]
    }
    if (this.#leaseGone) return this.#answer(asked, 'ShutdownException')
    const refusal = this.#refuse(asked)
    if (refusal !== null) {
      if (refusal === 'ShutdownException') this.#leaseGone = true
      return this.#answer(asked, refusal)
    }
    const outcome = this.#checkpointer.checkpoint(asked)
    return this.#outcome(asked, outcome, line)
  }

  #outcome(asked: CheckpointRequest, outcome: CheckpointOutcome, line: string): DaemonEvent[] {
    if (outcome.error !== null) {
      const expected = `a position between the last checkpoint and the last record delivered; ${outcome.why}`
      return [...this.#answer(asked, outcome.error), this.#found('position-refused', line, expected)]
    }
    const events = this.#answer(asked, null, outcome.stored)
    if (outcome.stored?.sequenceNumber === 'LATEST') events.push(this.#found('latest-stored', line))
    return events
  }

  #answer(
    request: CheckpointRequest,
    error: string | null,
    stored: LeasePosition | null = null,
  ): DaemonEvent[] {
    return [
      { type: 'checkpoint', request, error, stored },
      { type: 'send', line: checkpointLine(request, error) },
    ]
  }

  #skipped(read: Extract<ConsumerLine, { kind: 'skipped' }>, line: string): DaemonEvent {
    switch (read.why) {
      case 'text':
        return this.#found('text', line)
      case 'glued':
        return this.#found('glued-text', line, 'a message on a line of its own')
      case 'extra-key':
        return this.#found('extra-key', line, `a message without the key "${read.detail}"`)
      case 'malformed':
        return this.#found('malformed', line, `a message with a ${read.detail} that can be read`)
    }
  }

  #found(kind: FindingKind, came: string, expected?: string): DaemonEvent {
    const details = { shardId: this.shardId, action: this.#action, came }
    const found = finding(kind, expected === undefined ? details : { ...details, expected })
    if (endsRun(found)) this.#state = 'broken'
    return { type: 'finding', finding: found }
  }
}

// The actions whose tasks get a checkpointer; with the others it is "no checkpointer was provided".
const MAY_CHECKPOINT: ReadonlySet<DaemonAction> = new Set([
  'processRecords',
  'shutdownRequested',
  'shardEnded',
  'shutdown',
])
const LAST_ACTIONS: ReadonlySet<DaemonAction> = new Set(['leaseLost', 'shardEnded', 'shutdown'])
