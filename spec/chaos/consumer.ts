// The consumer of a chaos run: writes down every record before it lets go of it, and every checkpoint that it hears of,
// in a file of its own. While the file `busy-WORKER` is in the run's folder, it is busy with the record in hand.

import { existsSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  anyOf,
  type CheckpointPolicy,
  everyInterval,
  everyRecords,
  KclSession,
  type KinesisRecord,
  manual,
} from '../../lib/index.ts'
import { now } from './evidence.ts'
import type { Variant } from './variants.ts'

const { CHAOS_FOLDER = '', CHAOS_VARIANT = '', CHAOS_WORKER = '' } = process.env
const file = openSync(join(CHAOS_FOLDER, 'seen', `${now()}-${process.pid}.ndjson`), 'ax')
const busy = join(CHAOS_FOLDER, `busy-${CHAOS_WORKER}`)
let stored = ''

note('process', { pid: process.pid, worker: CHAOS_WORKER })

const POLICIES: Readonly<Record<Variant, CheckpointPolicy>> = {
  iterate: everyRecords(200),
  batch: manual(),
  each: anyOf(everyRecords(400), everyInterval({ seconds: 5 })),
  'own-size': everyRecords(200),
}
const session = new KclSession({
  policy: POLICIES[CHAOS_VARIANT as Variant],
  onInitialize: ({ shardId, sequenceNumber }) => note('begin', { shard: shardId, from: sequenceNumber }),
})

const WAYS: Readonly<Record<Variant, () => Promise<void>>> = {
  async iterate() {
    for await (const batch of session.batches()) {
      for await (const record of batch) await work(record)
    }
  },
  async batch() {
    for await (const batch of session.batches()) {
      for (const record of batch.records) await work(record)
      if (batch.records.length > 0) await batch.checkpoint()
      noteStored()
    }
  },
  // Fifty records, or what a second brings: seldom what the daemon delivered at once.
  async 'own-size'() {
    for await (const batch of session.batches({ maxRecords: 50, maxWait: { seconds: 1 } })) {
      for (const record of batch.records) await work(record)
    }
  },
  // Some records cannot be worked on, and are skipped in the end.
  each: () =>
    session.forEach(
      async (record) => {
        if (contentOf(record).n % 101 === 7) throw new Error(`poison: ${record.text()}`)
        await work(record)
      },
      {
        retry: { attempts: 2, initialDelay: { milliseconds: 5 }, maxDelay: { milliseconds: 20 } },
        onError: (_, record) => {
          see('skipped', record)
          return 'skip'
        },
      },
    ),
}
await WAYS[CHAOS_VARIANT as Variant]()

async function work(record: KinesisRecord): Promise<void> {
  see('record', record)
  noteStored()
  await pause(1)
  while (existsSync(busy)) await pause(50)
}

function see(is: 'record' | 'skipped', record: KinesisRecord): void {
  const shard = session.shard?.shardId
  note(is, { shard, sequence: record.sequenceNumber, ...contentOf(record) })
}

function contentOf(record: KinesisRecord): { key: string; n: number } {
  return record.json<{ key: string; n: number }>()
}

function noteStored(): void {
  const sequence = session.checkpointed?.sequenceNumber ?? ''
  if (sequence === stored) return
  stored = sequence
  note('stored', { sequence })
}

function note(is: string, fields: object): void {
  writeSync(file, `${JSON.stringify({ is, at: now(), ...fields })}\n`)
}
