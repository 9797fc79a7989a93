// Writes the records of a run to a file, one a line as GetRecords has them, each once, however often it was delivered:
// what was read from a stream can be read from there again, for ever.

import { closeSync, openSync, writeSync } from 'node:fs'
import { UsageError } from '../../errors.ts'
import { comparePositions } from '../conversation/checkpointer.ts'
import type { DeliveredRecord, LeasePosition } from '../conversation/messages.ts'
import type { Shard } from '../stream/stream.ts'
import type { DaemonObserver } from './observer.ts'
import { redacted, type Secrets } from './redact.ts'

/** Keeps the records of a run. */
export class RecordKeeper implements DaemonObserver {
  readonly #fd: number
  readonly #secrets: Secrets
  /** The last record of each shard that was written. */
  readonly #last = new Map<string, LeasePosition>()

  /** Begins the file anew. Throws `UsageError` where it cannot be written. */
  constructor(file: string, secrets: Secrets) {
    this.#secrets = secrets
    try {
      this.#fd = openSync(file, 'w')
    } catch (error) {
      throw new UsageError(`Cannot write ${file}: ${(error as Error).message}.`, { cause: error })
    }
  }

  line(shard: Shard, _lease: number, from: 'daemon' | 'consumer' | 'note', text: string): void {
    if (from !== 'daemon' || !text.startsWith('{"action":"processRecords"')) return
    const { records } = JSON.parse(text) as { records: readonly DeliveredRecord[] }
    for (const record of records) {
      const last = this.#last.get(shard.id)
      if (last !== undefined && comparePositions(record, last) <= 0) continue
      this.#last.set(shard.id, record)
      writeSync(this.#fd, `${this.#line(record)}\n`)
    }
  }

  finish(): void {
    closeSync(this.#fd)
  }

  #line(record: DeliveredRecord): string {
    const { data, partitionKey, sequenceNumber, subSequenceNumber, approximateArrivalTimestamp } = redacted(
      record,
      this.#secrets,
    )
    return JSON.stringify({
      SequenceNumber: sequenceNumber,
      ...(subSequenceNumber > 0 && { SubSequenceNumber: subSequenceNumber }),
      ...(approximateArrivalTimestamp !== null && {
        ApproximateArrivalTimestamp: approximateArrivalTimestamp / 1000,
      }),
      Data: data ?? '',
      PartitionKey: partitionKey,
    })
  }
}
