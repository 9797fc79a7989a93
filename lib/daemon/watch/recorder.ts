// Writes the conversations of a run to a transcript. They go on side by side, and a transcript has them one after the
// other, so each is written to a file of its own beside it first.

import { appendFileSync, closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { UsageError } from '../../errors.ts'
import type { DeliveredRecord } from '../conversation/messages.ts'
import type { LeaseEnd } from '../lease/lease.ts'
import type { Shard } from '../stream/stream.ts'
import type { DaemonObserver } from './observer.ts'
import { redacted, type Secrets } from './redact.ts'

/** Records a run. */
export class Recorder implements DaemonObserver {
  readonly #file: string
  readonly #secrets: Secrets
  /** The descriptors of conversations that go on, by the number of their lease. */
  readonly #open = new Map<number, number>()
  #leases = 0

  /** Begins the file anew. Throws `UsageError` where it cannot be written. */
  constructor(file: string, secrets: Secrets) {
    this.#file = file
    this.#secrets = secrets
    try {
      closeSync(openSync(file, 'w'))
    } catch (error) {
      throw new UsageError(`Cannot write ${file}: ${(error as Error).message}.`, { cause: error })
    }
  }

  started(shard: Shard, lease: number): void {
    this.#leases = lease
    this.#open.set(lease, openSync(this.#part(lease), 'w'))
    this.#write(lease, `# ---- consumer ${lease}, ${shard.id}`)
  }

  line(_shard: Shard, lease: number, from: 'daemon' | 'consumer' | 'note', text: string): void {
    if (from === 'note') this.#write(lease, `# ${text}`)
    else this.#write(lease, `${from === 'daemon' ? '>' : '<'} ${this.#line(from, text)}`)
  }

  ended(_shard: Shard, _end: LeaseEnd, lease: number): void {
    const fd = this.#open.get(lease)
    if (fd !== undefined) closeSync(fd)
    this.#open.delete(lease)
  }

  /** Puts the conversations together. */
  finish(): void {
    for (let lease = 1; lease <= this.#leases; lease += 1) {
      const fd = openSync(this.#part(lease), 'r')
      const chunk = Buffer.allocUnsafe(CHUNK)
      for (let size = readSync(fd, chunk); size > 0; size = readSync(fd, chunk)) {
        appendFileSync(this.#file, chunk.subarray(0, size))
      }
      closeSync(fd)
      rmSync(this.#part(lease), { force: true })
    }
  }

  #part(lease: number): string {
    return `${this.#file}.${lease}.part`
  }

  #write(lease: number, line: string): void {
    const fd = this.#open.get(lease)
    if (fd !== undefined) writeSync(fd, `${line}\n`)
  }

  #line(from: 'daemon' | 'consumer', text: string): string {
    if (from === 'consumer') return text
    const { elideData, redact } = this.#secrets
    if (redact.length === 0 && !elideData) return text
    if (!text.startsWith('{"action":"processRecords"')) return text
    const message = JSON.parse(text) as { records: readonly DeliveredRecord[] }
    const records = message.records.map((record) => redacted(record, this.#secrets))
    return JSON.stringify({ ...message, records })
  }
}

const CHUNK = 1024 * 1024
