// What is known of one shard while the daemon runs: how far it was delivered, settled and checkpointed, as cursors into
// the shard's log, counted from where the run began. Rule: acknowledged is what a status said, and nothing else; a
// record that was checkpointed and whose consumer then died is settled, but never was acknowledged.

import { systemClock } from '../../time.ts'
import type { DaemonAction } from '../conversation/messages.ts'
import type { Shard } from '../stream/stream.ts'

/** One shard's progress. Times are milliseconds of `performance.now()`. */
export class ShardProgress {
  readonly shard: Shard
  /** The next record to deliver. */
  cursor: number
  /** The action in hand, or null. */
  action: DaemonAction | null = null
  actionSince = 0
  checkpointSince: number | null = null
  millisBehindLatest: number | null = null
  startedAt: number | null = null
  endedAt: number | null = null
  readonly #first: number
  #delivered: number
  #acknowledged = 0
  #settled: number
  #checkpointed: number

  /** `first`: what comes before this cursor was dealt with by an earlier run. */
  constructor(shard: Shard, first: number) {
    this.shard = shard
    this.#first = first
    this.cursor = first
    this.#delivered = first
    this.#settled = first
    this.#checkpointed = first
  }

  /** Records of this run, delivered at least once. */
  get delivered(): number {
    return this.#delivered - this.#first
  }

  /** Records of this run that a status has acknowledged, however often. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  get checkpointed(): number {
    return this.#checkpointed - this.#first
  }

  /** The first record that was never delivered; the cursor is before it while records come again. */
  get reach(): number {
    return this.#delivered
  }

  /** Records that this run has to deliver. */
  get total(): number {
    return this.shard.log.length - this.#first
  }

  /** Records that wait for delivery. */
  get waiting(): number {
    return this.shard.log.length - this.cursor
  }

  /** How long the shard has been at work, in milliseconds. */
  get duration(): number {
    if (this.startedAt === null) return 0
    return (this.endedAt ?? systemClock.now()) - this.startedAt
  }

  /** Whether every record was acknowledged, or passed over by a lease that began after its checkpoint, and checkpointed. */
  get isDone(): boolean {
    return this.#settled - this.#first === this.total && this.checkpointed === this.total
  }

  /** A lease begins at a cursor: what is before it, a checkpoint covers. */
  begin(cursor: number): void {
    this.cursor = cursor
    this.#settled = Math.max(this.#settled, cursor)
    this.endedAt = null
    this.startedAt ??= systemClock.now()
  }

  deliver(records: number, millisBehindLatest: number): void {
    this.cursor += records
    this.millisBehindLatest = millisBehindLatest
    this.#delivered = Math.max(this.#delivered, this.cursor)
  }

  act(action: DaemonAction | null): void {
    this.action = action
    this.actionSince = systemClock.now()
  }

  acknowledge(): void {
    this.#acknowledged += Math.max(0, this.cursor - this.#settled)
    this.#settled = Math.max(this.#settled, this.cursor)
  }

  /** Everything before a cursor is stored; returns where the part that was not stored before begins. */
  store(covered: number): number {
    const before = this.#checkpointed
    this.checkpointSince = systemClock.now()
    this.#checkpointed = Math.max(before, covered)
    return before
  }

  end(): void {
    this.action = null
    this.endedAt = systemClock.now()
  }
}
