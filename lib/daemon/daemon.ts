// The embedded daemon: one lease for each shard of the stream, all at once, parents before their children.
// Rule: one consumer that fails ends the run, as it ends the real daemon; the others are drained first.
// Its rooms, from the ground up: conversation/ plays the daemon's side of one conversation, without any I/O; stream/
// makes records and shards of an input, and kinesis/ reads a real stream; faults/ says what goes wrong on purpose; lease/ is one consumer's process, and
// what is kept of it; watch/ counts and tells.

import type { ConsumerProtocol } from '../children/command.ts'
import {
  Consumer,
  type ConsumerEvents,
  consumerEnvironment,
  type ShardConsumer,
} from '../children/consumer.ts'
import { SharedConsumer, SharedHost } from '../children/shared-consumer.ts'
import { systemClock } from '../time.ts'
import { endsRun, type Finding, finding, isRemark } from './conversation/findings.ts'
import type { LeasePosition } from './conversation/messages.ts'
import { FaultPlan, type FaultTally } from './faults/fault-plan.ts'
import { END_TIME, endConsumer } from './lease/end-consumer.ts'
import { Lease } from './lease/lease.ts'
import { LeaseTable } from './lease/lease-table.ts'
import { Bell } from './lease/waiting.ts'
import { type DaemonContext, ShardRun } from './shard-run.ts'
import { Stopping } from './stopping.ts'
import type { RecordReader, Shard, ShardStream } from './stream/stream.ts'
import { Account, type AccountTotals } from './watch/account.ts'
import type { DaemonObserver } from './watch/observer.ts'
import type { ShardProgress } from './watch/progress.ts'

export interface DaemonOptions {
  readonly stream: ShardStream
  readonly reader: RecordReader
  readonly words: readonly string[]
  /** What consumers need in their environment to report. */
  readonly reports?: Readonly<Record<string, string>>
  readonly protocol: ConsumerProtocol
  /** Whether one process serves all shards; the command is node itself, on a system with sh. */
  readonly shared?: boolean
  /** Records in a batch, at most. */
  readonly batch: number
  /** How long a consumer may be silent in an action, in milliseconds, or null. */
  readonly timeout: number | null
  /** What the end of the input means for a shard: its end, or that the lease is given back. */
  readonly atEnd: 'end-shard' | 'drain'
  /** How long an idle shard waits for its empty batch, in milliseconds; null, the default, for ever. */
  readonly idle?: number | null
  readonly table?: LeaseTable
  readonly plan?: FaultPlan
  /** Whether remarks, and faults that never struck, count as failures. */
  readonly strict?: boolean
  readonly observer?: DaemonObserver
}

/** Runs one consumer for each shard, or one for all. */
export class Daemon {
  readonly #options: DaemonOptions
  readonly #context: DaemonContext
  readonly #account: Account
  readonly #table: LeaseTable
  readonly #plan: FaultPlan
  readonly #bell = new Bell()
  readonly #runs: ShardRun[] = []
  readonly #host: SharedHost | null
  readonly #stopping: Stopping
  #atWork = new Map<ShardRun, Promise<void>>()
  /** Once the run is over, and they do not change any more. */
  #totals: AccountTotals | null = null
  #leases = 0
  #failures = 0
  #remarks = 0
  #restarts = 0
  #inputEnded = false
  #inputError: unknown = null

  constructor(options: DaemonOptions) {
    this.#options = options
    this.#plan = options.plan ?? new FaultPlan([], 0)
    this.#table = options.table ?? new LeaseTable()
    this.#account = new Account({ watchKeys: !this.#plan.isEmpty })
    this.#host = options.shared === true ? this.#newHost(options) : null
    this.#stopping = new Stopping(
      () => this.#runs.flatMap(({ lease }) => lease ?? []),
      this.#host,
      () => this.#bell.ring(),
    )
    this.#context = this.#shared()
    for (const shard of options.stream.shards) this.#runs.push(new ShardRun(shard, this.#context))
  }

  /** One for each shard, parents before their children. */
  get progress(): ShardProgress[] {
    return this.#runs.map((run) => run.progress)
  }

  /** How many records are waiting to be delivered. */
  get waiting(): number {
    return this.#runs.reduce((sum, run) => sum + run.progress.waiting, 0)
  }

  /** How many records of a shard are. */
  waitingOf(shard: Shard): number {
    return this.#runs[shard.number]?.progress.waiting ?? 0
  }

  /** How often consumers did something that the real daemon takes no notice of, though people may want to. */
  get remarks(): number {
    return this.#remarks
  }

  /** What is stored for a shard. */
  stored(shard: Shard): LeasePosition {
    return this.#table.position(shard)
  }

  /** How often each fault has struck. */
  get faults(): readonly FaultTally[] {
    return this.#plan.tally
  }

  /** How many consumers were started. */
  get leases(): number {
    return this.#leases
  }

  /** Whether the input was read to its end and everything in it acknowledged and checkpointed. */
  get isComplete(): boolean {
    const endsShards = this.#options.atEnd === 'end-shard'
    return (
      this.#inputEnded &&
      this.#runs.every(
        ({ shard, progress }) =>
          progress.isDone && (!(endsShards || shard.closedAt !== null) || this.#table.hasEnded(shard)),
      )
    )
  }

  /** Whether it is complete, and nobody did anything wrong. */
  get succeeded(): boolean {
    const { lost, outOfOrder, afterCheckpoint } = this.account
    const blamed = this.#options.strict === true ? this.#remarks + this.neverStruck.length : 0
    return this.isComplete && this.#failures + blamed + lost + outOfOrder + afterCheckpoint === 0
  }

  /** The faults that were asked for and never struck: nothing was learned from them. */
  get neverStruck(): readonly FaultTally[] {
    return this.faults.filter(({ struck }) => struck === 0)
  }

  /** What became of each record, in sums. */
  get account(): AccountTotals {
    if (this.#totals !== null) return this.#totals
    const records = this.#runs.reduce((sum, run) => sum + run.shard.log.length, 0)
    return this.#account.totals(records, this.isComplete)
  }

  /** The stream has more shards; they are read when their parents have ended. */
  addShards(shards: readonly Shard[]): void {
    for (const shard of shards) this.#runs.push(new ShardRun(shard, this.#context))
    // The neighbour of a merged shard may be asleep at its end.
    this.#bell.ring()
  }

  /** There are more records in the stream. */
  moreInput(): void {
    this.#bell.ring()
  }

  /** There will be no more records in the stream. */
  endInput(): void {
    this.#inputEnded = true
    this.#bell.ring()
  }

  /** The input cannot be read on: stops in order, and `run` rejects with this error in the end. */
  failInput(error: unknown): void {
    this.#inputError ??= error
    this.drain()
  }

  /** Stops in order: actions in hand are waited for, then each lease is given back. */
  drain(): void {
    this.#stopping.drain()
  }

  /** Stops at once. */
  kill(): void {
    this.#stopping.kill()
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return this.#bell.next()
  }

  /** Whether the run is on its way to its end. */
  get stopping(): boolean {
    return this.#stopping.isDraining
  }

  /** Resolves when all consumers are gone; rejects then if the input failed. */
  async run(): Promise<void> {
    for (;;) {
      this.#startReady()
      while (this.#atWork.size > 0) await Promise.all(this.#atWork.values())
      const again = this.#stopping.settle()
      await this.#endHost(again)
      if (!again) break
      this.#restarts += 1
      this.#options.observer?.restarted?.(this.#restarts)
    }
    this.#totals = this.account
    this.#bell.ring()
    if (this.#inputError !== null) throw this.#inputError
  }

  #startReady(): void {
    const ended = (number: number): boolean => {
      const shard = this.#options.stream.shards[number]
      return shard !== undefined && this.#table.hasEnded(shard)
    }
    for (const run of this.#runs) {
      const isOver = run.isThrough || this.#table.hasEnded(run.shard)
      const isReady = !isOver && run.shard.parents.every(ended)
      if (!isReady || this.#atWork.has(run) || this.#stopping.isStopping) continue
      this.#atWork.set(
        run,
        this.#runShard(run).finally(() => this.#atWork.delete(run)),
      )
    }
  }

  // One lease after the other, for as long as somebody has to take the shard up.
  async #runShard(run: ShardRun): Promise<void> {
    const { timeout } = this.#options
    while (!this.#stopping.isStopping && !this.#table.hasEnded(run.shard)) {
      this.#leases += 1
      const checkpoint = run.begin(this.#leases)
      run.lease = new Lease({
        shardId: run.shard.id,
        checkpoint,
        consumer: (events) => this.#consumerOf(run.shard, events),
        timeout,
        host: run,
      })
      const end = await run.lease.run()
      run.end(end)
      this.#bell.ring()
      if (end === 'broken' || run.isThrough) break
    }
    this.#startReady()
  }

  #consumerOf(shard: Shard, events: ConsumerEvents): ShardConsumer {
    const { words, protocol, reports } = this.#options
    if (this.#host !== null) return new SharedConsumer(this.#host, shard.id, events)
    return new Consumer({ words, protocol, ours: reports, ...events })
  }

  #newHost({ words, reports, observer, stream }: DaemonOptions): SharedHost {
    return new SharedHost({
      words,
      environment: consumerEnvironment(process.env, reports),
      onLine: (line, shardId) =>
        observer?.log?.(stream.shards.find(({ id }) => id === shardId) ?? null, line),
    })
  }

  // With the daemon ends its host. Who killed it, or broke a conversation with it, has been told of it.
  async #endHost(crashed: boolean): Promise<void> {
    const host = await this.#host?.take()
    if (!host) return
    const blameless = !crashed && this.#failures === 0 && !this.#stopping.isKilled
    const { timeout, observer } = this.#options
    const grace = Math.min(timeout ?? END_TIME, END_TIME)
    await endConsumer(host, systemClock, grace, (kind, came, expected) => {
      if (!blameless) return
      const details = { shardId: 'all shards', action: null, came, expected }
      const found = finding(kind, details)
      observer?.found?.(found, host.lastWords)
      this.#broke(found)
    })
  }

  #broke(found: Finding): void {
    if (isRemark(found)) this.#remarks += 1
    else this.#failures += 1
    if (endsRun(found)) this.#stopping.giveUp()
  }

  #shared(): DaemonContext {
    const { stream, reader, batch, atEnd, idle = null, observer = {} } = this.#options
    const self = this
    return {
      stream,
      reader,
      table: this.#table,
      account: this.#account,
      plan: this.#plan,
      observer,
      bell: this.#bell,
      batch,
      atEnd,
      idle,
      get stopping() {
        return self.#stopping.isStopping
      },
      get inputEnded() {
        return self.#inputEnded
      },
      failInput: (error) => this.failInput(error),
      broke: (found) => this.#broke(found),
      crash: (killed) => this.#stopping.crash(killed),
      resharded: (shards) => this.addShards(shards),
      reachOf: (shard) => this.#runs[shard.number]?.progress.reach ?? 0,
    }
  }
}
