// Several shards of one worker for tests, each played by a daemon of its own, and all given to one `eachShard()`.

import { shardName } from '../daemon/stream/sequence-number.ts'
import { UsageError } from '../errors.ts'
import type { ShardHost, ShardLine } from '../host/shard-line.ts'
import { refuseUnknown } from '../nearest.ts'
import type { DurationInput } from '../time.ts'
import { TestDaemon, type TestDaemonOptions } from './test-daemon.ts'

/** How a test worker begins. */
export interface TestWorkerOptions {
  /** How many shards it has at first; 2 by default. */
  readonly shards?: number | undefined
  /** How long a call waits, by the machine's clock, before it fails; 5 s by default. */
  readonly patience?: DurationInput | undefined
}

/**
 * Stands in for a worker with several shards: `eachShard(handler, { ...worker.host, policy })`.
 *
 * @example
 * const worker = new TestWorker({ shards: 3 })
 * const running = eachShard(handler, worker.host)
 * await worker.shard(0).deliver(['one', 'two'])
 * await worker.end()
 * await running
 */
export class TestWorker {
  /** What `eachShard` takes among its options. */
  readonly host: { readonly host: ShardHost }
  readonly #patience: DurationInput | undefined
  readonly #daemons = new Map<string, TestDaemon>()
  readonly #waiting: ShardLine[] = []
  #wake: () => void = () => {}
  #taken = false
  #over = false

  constructor(options: TestWorkerOptions = {}) {
    refuseUnknown(options, ['shards', 'patience'], 'new TestWorker()')
    const { shards = 2, patience } = options
    if (!Number.isSafeInteger(shards) || shards < 0) {
      throw new UsageError(`new TestWorker(): shards is a whole number from 0, not ${String(shards)}.`)
    }
    this.#patience = patience
    for (let number = 0; number < shards; number += 1) this.begin(number)
    this.host = { host: { shards: { [Symbol.asyncIterator]: () => this.#take() } } }
  }

  /**
   * The daemon of a shard, by its number or its name: the one of its last lease.
   *
   * @example
   * await worker.shard(1).loseLease()
   */
  shard(shard: number | string): TestDaemon {
    const name = nameOf(shard)
    const daemon = this.#daemons.get(name)
    if (daemon !== undefined) return daemon
    const there = [...this.#daemons.keys()].join(', ') || 'none'
    throw new UsageError(`worker.shard(): there is no ${name}, only these: ${there}. Shards count from 0.`)
  }

  /**
   * A shard begins: by default the next one, a child after a split for instance, or another lease of one that was given
   * back.
   *
   * @example
   * await worker.shard(0).endShard()
   * const child = worker.begin()
   */
  begin(
    shard: number | string = this.#daemons.size,
    options: Omit<TestDaemonOptions, 'shardId'> = {},
  ): TestDaemon {
    const shardId = nameOf(shard)
    if (this.#over) throw new UsageError('worker.begin() after end(): no shard begins any more.')
    if (this.#daemons.get(shardId)?.isOver === false) {
      throw new UsageError(`worker.begin(): ${shardId} is at work; its next lease begins after this one.`)
    }
    const daemon = new TestDaemon({ patience: this.#patience, ...options, shardId })
    const { input, output, clock } = daemon.streams
    const settled: ShardLine['settled'] = (failure) => {
      if (failure === undefined) output.end()
      else output.destroy(asError(failure.error))
    }
    this.#daemons.set(shardId, daemon)
    this.#waiting.push({ shardId, input, output, clock, settled })
    this.#wake()
    return daemon
  }

  /**
   * No more shards begin, and those at work are drained. Resolves when they are; `eachShard` settles then.
   *
   * @example
   * await worker.end()
   */
  async end(): Promise<void> {
    this.#over = true
    this.#wake()
    const open = [...this.#daemons.values()].filter(({ isOver }) => !isOver)
    await Promise.all(open.map((daemon) => daemon.requestShutdown()))
  }

  #take(): AsyncIterator<ShardLine> {
    if (this.#taken) {
      throw new UsageError('eachShard(): this TestWorker was given to another call. Make one for each.')
    }
    this.#taken = true
    return this.#lines()
  }

  async *#lines(): AsyncGenerator<ShardLine> {
    for (;;) {
      const line = this.#waiting.shift()
      if (line !== undefined) yield line
      else if (this.#over) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}

function nameOf(shard: number | string): string {
  return typeof shard === 'number' ? shardName(shard) : shard
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error })
}
