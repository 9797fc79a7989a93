// Puts records all the time, the next of every key at each turn, and writes down what was stored and where. A turn is
// stored whole before the next begins, so that the records of a key are in order on the stream.

import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AwsCall } from '../../lib/aws/client.ts'
import { now, type Put } from './evidence.ts'

/** What to put, and where. */
export interface ProducerOptions {
  readonly kinesis: AwsCall
  readonly stream: string
  readonly folder: string
  readonly keys: number
  /** Records a second. */
  readonly rate: number
}

export class Producer {
  /** The shards that records were put to. */
  readonly shards: Set<string> = new Set()
  /** The last number of each key that is stored. */
  readonly stored: Map<string, number> = new Map()
  readonly #options: ProducerOptions
  readonly #file: number
  #running = true
  readonly #done: Promise<void>

  /** Begins at once. */
  constructor(options: ProducerOptions) {
    this.#options = options
    this.#file = openSync(join(options.folder, 'puts.ndjson'), 'a')
    this.#done = this.#run()
  }

  /** Finishes the turn in hand. */
  async stop(): Promise<void> {
    this.#running = false
    await this.#done
  }

  async #run(): Promise<void> {
    const { keys, rate } = this.#options
    const period = (keys / rate) * 1000
    for (let n = 0, due = performance.now(); this.#running; n++, due += period) {
      const early = due - performance.now()
      if (early > 0) await pause(early)
      // After a service stood still, what was missed is not made up for.
      else if (early < -LATE) due = performance.now()
      await this.#turn(n)
    }
  }

  async #turn(n: number): Promise<void> {
    let left = Array.from({ length: this.#options.keys }, (_, index) => ({ key: `k${index}`, n }))
    while (left.length > 0) {
      const stored = await this.#put(left)
      left = left.filter((_, index) => stored[index] === undefined)
      for (const put of stored) {
        if (put === undefined) continue
        this.shards.add(put.shard)
        this.stored.set(put.key, put.n)
        writeSync(this.#file, `${JSON.stringify(put)}\n`)
      }
      if (left.length > 0) await pause(AGAIN)
    }
  }

  // What was stored, in the order that was asked for; undefined where it was not.
  async #put(wanted: readonly { readonly key: string; readonly n: number }[]): Promise<(Put | undefined)[]> {
    const Records = wanted.map(({ key, n }) => ({
      Data: Buffer.from(JSON.stringify({ key, n })).toString('base64'),
      PartitionKey: key,
    }))
    try {
      const answer = await this.#options.kinesis('PutRecords', { StreamName: this.#options.stream, Records })
      const results = answer.Records as {
        ShardId?: string
        SequenceNumber?: string
        ErrorCode?: string | null
      }[]
      return wanted.map((record, index) => {
        const { ShardId: shard, SequenceNumber: sequence, ErrorCode } = results[index] ?? {}
        if (shard === undefined || sequence === undefined || ErrorCode) return undefined
        return { at: now(), ...record, shard, sequence }
      })
    } catch {
      return []
    }
  }
}

const LATE = 5000
const AGAIN = 100
