// The embedded daemon: one lease for each shard of the stream, all at once, parents before their children.
// Rule: one consumer that fails ends the run, as it ends the real daemon; the others are drained first.

import type { ConsumerProtocol } from '../children/command.ts'
import { Bell } from './bell.ts'
import { SHARD_END, TRIM_HORIZON } from './checkpointer.ts'
import { endsRun, type Finding } from './findings.ts'
import { Lease, type LeaseEnd, type LeaseHost, type LeaseStep } from './lease.ts'
import type { CheckpointRequest, DaemonAction, LeasePosition } from './messages.ts'
import { ShardProgress } from './progress.ts'
import type { RecordReader, Shard, Stream } from './stream.ts'

/** Whoever wants to know what happens: a terminal, a log, a test. All optional, none may throw. */
export interface DaemonObserver {
  started?(shard: Shard): void
  checkpointed?(shard: Shard, position: LeasePosition): void
  refused?(shard: Shard, request: CheckpointRequest, error: string): void
  found?(finding: Finding, lastWords: readonly string[]): void
  ended?(shard: Shard, end: LeaseEnd): void
  /** A line that a consumer wrote to standard error. */
  log?(shard: Shard, line: string): void
}

export interface DaemonOptions {
  readonly stream: Stream
  readonly reader: RecordReader
  readonly words: readonly string[]
  readonly protocol: ConsumerProtocol
  /** Records in a batch, at most. */
  readonly batch: number
  /** How long a consumer may be silent in an action, in milliseconds, or null. */
  readonly timeout: number | null
  /** What the end of the input means for a shard: its end, or that the lease is given back. */
  readonly atEnd: 'end-shard' | 'drain'
  readonly observer?: DaemonObserver
}

/** Runs one consumer for each shard. */
export class Daemon {
  /** One for each shard, in the stream's order. */
  readonly progress: ShardProgress[]
  /** Everything that consumers did wrong. */
  readonly findings: Finding[] = []
  readonly #options: DaemonOptions
  readonly #observer: DaemonObserver
  readonly #bell = new Bell()
  readonly #leases = new Map<Shard, Lease>()
  #inputEnded = false
  #inputError: unknown = null
  #draining = false
  #stopTimer: ReturnType<typeof setTimeout> | null = null

  constructor(options: DaemonOptions) {
    this.#options = options
    this.#observer = options.observer ?? {}
    this.progress = options.stream.shards.map((shard) => new ShardProgress(shard, TRIM_HORIZON))
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
    this.#draining = true
    this.#bell.ring()
  }

  /** Stops at once. */
  kill(): void {
    this.#draining = true
    for (const lease of this.#leases.values()) lease.kill()
    this.#bell.ring()
  }

  /** Resolves at the next change that a reader ahead of its consumers waits for. */
  changed(): Promise<void> {
    return this.#bell.next()
  }

  /** How many records are waiting to be delivered. */
  get waiting(): number {
    return this.progress.reduce((sum, progress) => sum + progress.waiting, 0)
  }

  /** Whether everything was acknowledged and checkpointed, and no consumer did anything wrong. */
  get succeeded(): boolean {
    const done = this.progress.every((progress) => progress.isDone(this.#options.atEnd === 'end-shard'))
    return this.#inputEnded && done && this.findings.length === 0
  }

  /** Whether a consumer broke off the run. */
  get failed(): boolean {
    return this.findings.some(endsRun)
  }

  /** Resolves when all consumers are gone; rejects then if the input failed. */
  async run(): Promise<void> {
    await Promise.all(this.progress.map((progress) => this.#runShard(progress)))
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer)
    if (this.#inputError !== null) throw this.#inputError
  }

  async #runShard(progress: ShardProgress): Promise<void> {
    const { shard } = progress
    const { words, protocol, timeout } = this.#options
    const { checkpoint } = progress
    if (this.#draining) return
    progress.begin(this.#options.stream.cursorAfter(shard, checkpoint))
    const host = this.#host(progress)
    const lease = new Lease({ shardId: shard.id, checkpoint, words, protocol, timeout, host })
    this.#leases.set(shard, lease)
    this.#observer.started?.(shard)
    const end = await lease.run()
    this.#leases.delete(shard)
    progress.end()
    this.#observer.ended?.(shard, end)
    if (end === 'broken') this.#giveUp()
    this.#bell.ring()
  }

  #host(progress: ShardProgress): LeaseHost {
    const { shard } = progress
    return {
      next: () => this.#next(progress),
      store: (position) => {
        progress.store(position, this.#options.stream.cursorAfter(shard, position))
        this.#observer.checkpointed?.(shard, position)
      },
      action: (action: DaemonAction | null) => progress.act(action),
      acknowledged: (action) => {
        progress.acknowledge(action)
        this.#bell.ring()
      },
      refused: (request, error) => this.#observer.refused?.(shard, request, error),
      found: (finding, lastWords) => {
        this.findings.push(finding)
        this.#observer.found?.(finding, lastWords)
        if (endsRun(finding)) this.#giveUp()
      },
      log: (line) => this.#observer.log?.(shard, line),
    }
  }

  async #next(progress: ShardProgress): Promise<LeaseStep> {
    while (!this.#draining && progress.waiting === 0 && !this.#inputEnded) await this.#bell.next()
    if (this.#draining) return { do: 'drain' }
    if (progress.waiting === 0) return { do: this.#options.atEnd }
    try {
      return this.#batch(progress)
    } catch (error) {
      this.failInput(error)
      return { do: 'drain' }
    }
  }

  #batch(progress: ShardProgress): LeaseStep {
    const { stream, reader, batch } = this.#options
    const records = stream.read(progress.shard, progress.cursor, batch, reader)
    progress.deliver(records.length)
    const arrived = records.at(-1)?.approximateArrivalTimestamp ?? Date.now()
    const millisBehindLatest = progress.waiting === 0 ? 0 : Math.max(1, Date.now() - arrived)
    progress.behind(millisBehindLatest)
    return { do: 'batch', records, millisBehindLatest }
  }

  // The real daemon goes down as a whole. The healthy consumers get a moment to store what they have.
  #giveUp(): void {
    this.drain()
    this.#stopTimer ??= setTimeout(() => this.kill(), GIVE_UP_TIME)
  }
}

/** Whether a shard has been read to its end, as far as the lease table knows. */
export function isShardEnd(position: LeasePosition): boolean {
  return position.sequenceNumber === SHARD_END.sequenceNumber
}

// How long healthy consumers may go on when another one has failed, in milliseconds.
const GIVE_UP_TIME = 5000
