// What is known of one shard while the daemon runs: how far it was delivered, acknowledged and checkpointed.
// All three are cursors into the shard's log, counted from where the run began.

import { SHARD_END } from './checkpointer.ts'
import type { DaemonAction, LeasePosition } from './messages.ts'
import type { Shard } from './stream.ts'

/** One shard's progress. Times are milliseconds of `performance.now()`. */
export class ShardProgress {
  readonly shard: Shard
  /** What the lease table holds. */
  checkpoint: LeasePosition
  /** The next record to deliver. */
  cursor = 0
  action: DaemonAction | null = null
  actionSince = 0
  checkpointSince: number | null = null
  millisBehindLatest: number | null = null
  startedAt: number | null = null
  endedAt: number | null = null
  #first = 0
  #delivered = 0
  #acknowledged = 0
  #checkpointed = 0

  constructor(shard: Shard, checkpoint: LeasePosition) {
    this.shard = shard
    this.checkpoint = checkpoint
  }

  /** Records of this run, delivered at least once. */
  get delivered(): number {
    return this.#delivered - this.#first
  }

  get acknowledged(): number {
    return this.#acknowledged - this.#first
  }

  get checkpointed(): number {
    return this.#checkpointed - this.#first
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
    return (this.endedAt ?? performance.now()) - this.startedAt
  }

  /** Whether all of it was acknowledged and checkpointed, and its end too where it has one. */
  isDone(withEnd: boolean): boolean {
    const ended = !withEnd || this.checkpoint.sequenceNumber === SHARD_END.sequenceNumber
    return ended && this.acknowledged === this.total && this.checkpointed === this.total
  }

  /** A lease begins at a cursor. */
  begin(cursor: number): void {
    this.cursor = cursor
    this.endedAt = null
    if (this.startedAt !== null) return
    this.startedAt = performance.now()
    this.#first = cursor
    this.#delivered = cursor
    this.#acknowledged = cursor
    this.#checkpointed = cursor
  }

  deliver(records: number): void {
    this.cursor += records
    this.#delivered = Math.max(this.#delivered, this.cursor)
  }

  behind(millis: number): void {
    this.millisBehindLatest = millis
  }

  act(action: DaemonAction | null): void {
    this.action = action
    this.actionSince = performance.now()
  }

  acknowledge(action: DaemonAction): void {
    if (action === 'processRecords') this.#acknowledged = Math.max(this.#acknowledged, this.cursor)
  }

  store(position: LeasePosition, covered: number): void {
    this.checkpoint = position
    this.checkpointSince = performance.now()
    this.#checkpointed = Math.max(this.#checkpointed, covered)
  }

  end(): void {
    this.action = null
    this.endedAt = performance.now()
  }
}
