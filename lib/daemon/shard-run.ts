// One shard in the daemon's hands: what its lease does next, which faults strike it, and what is written down of it.
// Rule: the steps follow from the stream, the lease table and the plan of faults, and from nothing else.

import { clearTimeout, setTimeout } from '../timers.ts'
import type { Finding } from './conversation/findings.ts'
import type { CheckpointRequest, DaemonAction, LeasePosition } from './conversation/messages.ts'
import type { FaultPlan } from './faults/fault-plan.ts'
import type { Fault, FaultName } from './faults/faults.ts'
import type { Lease, LeaseEnd, LeaseHost, LeaseStep } from './lease/lease.ts'
import type { LeaseTable } from './lease/lease-table.ts'
import type { Bell } from './lease/waiting.ts'
import { ReadAhead } from './stream/read-ahead.ts'
import type { RecordReader, Shard, ShardStream } from './stream/stream.ts'
import type { Account } from './watch/account.ts'
import type { DaemonObserver } from './watch/observer.ts'
import { ShardProgress } from './watch/progress.ts'

/** What the shards of one daemon share. */
export interface DaemonContext {
  readonly stream: ShardStream
  readonly reader: RecordReader
  readonly table: LeaseTable
  readonly account: Account
  readonly plan: FaultPlan
  readonly observer: DaemonObserver
  readonly bell: Bell
  /** Records in a batch, at most. */
  readonly batch: number
  readonly atEnd: 'end-shard' | 'drain'
  /** How long a shard without records waits until it gets an empty batch, in milliseconds; null: it never does. */
  readonly idle: number | null
  /** Whether all leases are to be given back. */
  readonly stopping: boolean
  readonly inputEnded: boolean
  failInput(error: unknown): void
  broke(finding: Finding): void
  /** The whole daemon goes down, and begins again; with a consumer that was killed, or by itself. False: not now. */
  crash(killed: Lease | null): boolean
  /** A shard has children now. */
  resharded(shards: readonly Shard[]): void
  /** The first record of a shard that was never delivered: a shard can be closed there, not before. */
  reachOf(shard: Shard): number
}

/** One shard's part of a run. */
export class ShardRun implements LeaseHost {
  readonly shard: Shard
  readonly progress: ShardProgress
  /** The lease that is at work, or null. */
  lease: Lease | null = null
  /** Whether the lease was given back because there is nothing more to come. */
  isThrough = false
  readonly #context: DaemonContext
  readonly #ahead: ReadAhead
  #leaseNumber = 0
  #batchStart = 0
  #oneMore = false
  #emptied = -1
  /** Has the fault strike that waits for its moment in the batch in hand. */
  #strikeNow: (() => void) | null = null

  constructor(shard: Shard, context: DaemonContext) {
    this.shard = shard
    this.#context = context
    const { stream, reader, batch } = context
    this.#ahead = new ReadAhead(shard.log, (cursor) => stream.read(shard, cursor, batch, reader))
    const first = context.stream.cursorAfter(shard, context.table.position(shard))
    this.progress = new ShardProgress(shard, first)
    for (let at = 0; at < first; at += 1) context.account.done(shard.log.at(at))
  }

  /** A lease begins, with this number. Returns where. */
  begin(lease: number): LeasePosition {
    const position = this.#context.table.position(this.shard)
    this.#leaseNumber = lease
    this.#oneMore = false
    this.isThrough = false
    this.progress.begin(this.#context.stream.cursorAfter(this.shard, position))
    this.#context.observer.started?.(this.shard, lease)
    return position
  }

  end(end: LeaseEnd): void {
    this.lease = null
    if (end !== 'drained') this.isThrough = false
    this.progress.end()
    this.#context.observer.ended?.(this.shard, end, this.#leaseNumber)
  }

  spawned(pid: number): void {
    this.#context.observer.spawned?.(this.shard, pid)
  }

  async next(leaseGone: boolean): Promise<LeaseStep> {
    const { progress } = this
    const context = this.#context
    for (;;) {
      if (leaseGone && !this.#takeOneMore()) return { do: 'lose-lease' }
      if (context.stopping) return { do: 'drain' }
      if (progress.waiting > 0) {
        const step = this.#stepWithRecords()
        if (step !== null) return step
      } else if (this.shard.closedAt !== null) return { do: 'end-shard' }
      else if (context.inputEnded) {
        if (this.#owesEmptyBatch()) return this.#emptyBatch()
        this.isThrough = true
        return { do: context.atEnd }
      } else if (!(await this.#wait())) return this.#emptyBatch()
    }
  }

  refuse(): string | null {
    return this.#strike('refuse')?.exception ?? null
  }

  store(position: LeasePosition): void {
    const { table, stream, account, observer } = this.#context
    try {
      table.store(this.shard, position)
    } catch (error) {
      this.#context.failInput(error)
    }
    const covered = stream.cursorAfter(this.shard, position)
    for (let at = this.progress.store(covered); at < covered; at += 1)
      account.checkpointed(this.shard.log.at(at))
    observer.checkpointed?.(this.shard, position)
  }

  refused(request: CheckpointRequest, error: string): void {
    this.#context.observer.refused?.(this.shard, request, error)
  }

  action(action: DaemonAction | null): void {
    this.progress.act(action)
  }

  acknowledged(action: DaemonAction): void {
    if (action !== 'processRecords') return
    // A batch that was quicker than the fault that is due in it: now or never.
    this.#strikeNow?.()
    if (this.lease?.isAtWork === false) return
    const { cursor } = this.progress
    for (let at = this.#batchStart; at < cursor; at += 1)
      this.#context.account.acknowledged(this.shard.log.at(at))
    this.progress.acknowledge()
    this.#context.bell.ring()
  }

  found(finding: Finding, lastWords: readonly string[]): void {
    this.#context.observer.found?.(finding, lastWords)
    this.#context.broke(finding)
  }

  log(line: string): unknown {
    return this.#context.observer.log?.(this.shard, line)
  }

  line(from: 'daemon' | 'consumer' | 'note', text: string): void {
    this.#context.observer.line?.(this.shard, this.#leaseNumber, from, text)
  }

  // When a lease is lost a batch that was on its way may still come, half of the time.
  #takeOneMore(): boolean {
    if (this.#oneMore || this.progress.waiting === 0) return false
    this.#oneMore = this.#context.plan.dice('one-more', this.shard)() < 0.5
    return this.#oneMore
  }

  #stepWithRecords(): LeaseStep | null {
    if (this.#context.plan.isEmpty) return this.#batch()
    if (this.#reshard()) return null
    if (this.#strike('shutdown')) return { do: 'drain' }
    if (this.#strike('empty')) return this.#emptyBatch()
    const fault = this.#due('lease-lost') ?? this.#due('kill-consumer') ?? this.#due('kill-daemon')
    if (fault !== null) this.#strikeLater(fault)
    return this.#batch()
  }

  #reshard(): boolean {
    const { stream, reader, plan } = this.#context
    if (this.shard.closedAt !== null || stream.shards.length >= MOST_SHARDS) return false
    const fault = this.#due('split') ?? this.#due('merge')
    if (fault === null) return false
    const children =
      fault.name === 'split'
        ? stream.split(this.shard, this.progress.reach, reader)
        : stream.merge(this.shard, (shard) => this.#context.reachOf(shard), reader)
    if (children === null) plan.missed(fault, this.shard)
    else {
      this.#struck(fault)
      this.#context.resharded(children)
    }
    return this.shard.closedAt !== null && this.progress.waiting === 0
  }

  // Somewhere in the batch that is about to begin, at its status at the latest; if its lease is over by then,
  // nothing happens.
  #strikeLater(fault: Fault): void {
    const { lease } = this
    const delay = Math.floor(this.#context.plan.dice('delay', this.shard)() * LONGEST_DELAY)
    const strike = (): void => {
      clearTimeout(timer)
      this.#strikeNow = null
      if (lease?.isAtWork === true && this.#disturb(fault, lease)) this.#struck(fault)
      else this.#context.plan.missed(fault, this.shard)
    }
    const timer = setTimeout(strike, delay)
    this.#strikeNow = strike
  }

  #disturb({ name }: Fault, lease: Lease): boolean {
    if (name !== 'lease-lost') return this.#context.crash(name === 'kill-consumer' ? lease : null)
    lease.loseLease()
    return true
  }

  #due(name: FaultName): Fault | null {
    return this.#context.plan.due(name, this.shard, this.progress.delivered)
  }

  #strike(name: FaultName): Fault | null {
    const fault = this.#due(name)
    if (fault !== null) this.#struck(fault)
    return fault
  }

  #struck(fault: Fault): void {
    this.#context.plan.struck(fault)
    this.#context.observer.struck?.(this.shard, fault)
  }

  #batch(): LeaseStep {
    const { stream, account, inputEnded } = this.#context
    const { progress, shard } = this
    try {
      const records = this.#ahead.read(progress.cursor)
      this.#batchStart = progress.cursor
      for (const [at, record] of records.entries()) {
        account.delivered(shard.log.at(progress.cursor + at), record.partitionKey)
      }
      const last = records.at(-1)?.approximateArrivalTimestamp ?? 0
      const atTip = progress.waiting === records.length
      const millisBehindLatest = atTip ? stream.millisBehind(shard) : Math.max(1, Date.now() - last)
      progress.deliver(records.length, millisBehindLatest)
      // Of several shards, one is read while the consumers of the others are at work.
      if (inputEnded && stream.shards.length === 1) this.#ahead.prepare(progress.cursor)
      return { do: 'batch', records, millisBehindLatest }
    } catch (error) {
      this.#context.failInput(error)
      return { do: 'drain' }
    }
  }

  // The read behind the last record finds nothing: who gets empty batches gets one there, once per lease.
  #owesEmptyBatch(): boolean {
    if (this.#context.idle === null || this.#emptied === this.#leaseNumber) return false
    this.#emptied = this.#leaseNumber
    return true
  }

  #emptyBatch(): LeaseStep {
    this.#batchStart = this.progress.cursor
    return { do: 'batch', records: [], millisBehindLatest: 0 }
  }

  // Waits for a change; false when the shard has been idle for long enough to get an empty batch.
  async #wait(): Promise<boolean> {
    const { bell, idle } = this.#context
    if (idle === null) {
      await bell.next()
      return true
    }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), idle)
    })
    const woken = await Promise.race([bell.next().then(() => true), late])
    clearTimeout(timer)
    return woken
  }
}

// Faults could split shards without end.
const MOST_SHARDS = 1000
// In which part of a batch a fault strikes, in milliseconds from its start.
const LONGEST_DELAY = 6
