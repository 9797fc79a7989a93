// Watches a chaos run from outside: what the consumers write down, and the lease table every 0.7 s.

import { openSync, readdirSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AwsCall } from '../../lib/aws/client.ts'
import { LineSplitter } from '../../lib/children/lines.ts'
import { type Note, now, type Snapshot } from './evidence.ts'

export class Watcher {
  /** The highest number of each key that was seen. */
  readonly seen: Map<string, number> = new Map()
  readonly #dynamoDB: AwsCall
  readonly #application: string
  readonly #folder: string
  readonly #file: number
  readonly #tails = new Map<string, { readonly fd: number; readonly lines: LineSplitter }>()
  #watching = true
  readonly #done: Promise<void>

  /** Begins at once. */
  constructor(dynamoDB: AwsCall, application: string, folder: string) {
    this.#dynamoDB = dynamoDB
    this.#application = application
    this.#folder = folder
    this.#file = openSync(join(folder, 'leases.ndjson'), 'a')
    this.#done = this.#watch()
  }

  /** Whether everything up to these numbers was seen. */
  hasSeen(goal: ReadonlyMap<string, number>): boolean {
    this.#follow()
    return [...goal].every(([key, n]) => (this.seen.get(key) ?? -1) >= n)
  }

  /** The name of the worker that holds the leader's lock. */
  async leader(): Promise<string | undefined> {
    const { Item } = (await this.#dynamoDB('GetItem', {
      TableName: `${this.#application}-CoordinatorState`,
      Key: { key: { S: 'Leader' } },
      ConsistentRead: true,
    })) as { Item?: Record<string, { readonly S?: string }> }
    return Item?.isReleased === undefined ? Item?.ownerName?.S : undefined
  }

  async stop(): Promise<void> {
    this.#watching = false
    await this.#done
    await this.#snapshot()
    this.#follow()
  }

  async #watch(): Promise<void> {
    while (this.#watching) {
      // A table that is away has nothing to tell.
      await this.#snapshot().catch(() => {})
      this.#follow()
      await pause(PERIOD)
    }
  }

  async #snapshot(): Promise<void> {
    const { Items = [] } = (await this.#dynamoDB('Scan', {
      TableName: this.#application,
      ConsistentRead: true,
    })) as { Items?: Record<string, { readonly S?: string }>[] }
    const leases = Items.map(({ leaseKey, checkpoint, leaseOwner }) => ({
      shard: leaseKey?.S ?? '',
      checkpoint: checkpoint?.S ?? '',
      owner: leaseOwner?.S ?? null,
    }))
    writeSync(this.#file, `${JSON.stringify({ at: now(), leases } satisfies Snapshot)}\n`)
  }

  #follow(): void {
    const folder = join(this.#folder, 'seen')
    for (const name of readdirSync(folder)) {
      const tail = this.#tails.get(name) ?? {
        fd: openSync(join(folder, name), 'r'),
        lines: new LineSplitter((line) => this.#read(JSON.parse(line) as Note)),
      }
      this.#tails.set(name, tail)
      const buffer = Buffer.alloc(CHUNK)
      for (let size = CHUNK; size === CHUNK; ) {
        size = readSync(tail.fd, buffer, 0, CHUNK, null)
        tail.lines.push(buffer.subarray(0, size))
      }
    }
  }

  #read(note: Note): void {
    if (note.is !== 'record' && note.is !== 'skipped') return
    this.seen.set(note.key, Math.max(note.n, this.seen.get(note.key) ?? -1))
  }
}

const PERIOD = 700
const CHUNK = 65_536
