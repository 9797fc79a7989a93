// The consumer of a chaos run: writes down every record before it lets go of it, and every checkpoint that it hears of,
// in a file for each session. While the file `busy-WORKER` is in the run's folder, it is busy with the record in hand.

import { existsSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  anyOf,
  type CheckpointPolicy,
  eachShard,
  everyInterval,
  everyRecords,
  KclSession,
  type KclSessionOptions,
  type KinesisRecord,
  manual,
} from '../../lib/index.ts'
import { now } from './evidence.ts'
import type { Variant } from './variants.ts'

const { CHAOS_FOLDER = '', CHAOS_VARIANT = '', CHAOS_WORKER = '' } = process.env
const busy = join(CHAOS_FOLDER, `busy-${CHAOS_WORKER}`)
const diaries = new Map<string, Diary>()

/** What one session writes down of its shard. */
interface Diary {
  readonly file: number
  stored: string
}

const POLICIES: Readonly<Record<Variant, CheckpointPolicy>> = {
  iterate: everyRecords(200),
  batch: manual(),
  each: anyOf(everyRecords(400), everyInterval({ seconds: 5 })),
  'own-size': everyRecords(200),
  host: everyRecords(200),
}
const options: KclSessionOptions = {
  policy: POLICIES[CHAOS_VARIANT as Variant],
  onInitialize: ({ shardId, sequenceNumber }) => begin(shardId, sequenceNumber),
}

const WAYS: Readonly<Record<Variant, (session: KclSession) => Promise<void>>> = {
  iterate,
  host: iterate,
  async batch(session) {
    for await (const batch of session.batches()) {
      for (const record of batch.records) await work(session, record)
      if (batch.records.length > 0) await batch.checkpoint()
      noteStored(session)
    }
  },
  // Fifty records, or what a second brings: seldom what the daemon delivered at once.
  async 'own-size'(session) {
    for await (const batch of session.batches({ maxRecords: 50, maxWait: { seconds: 1 } })) {
      for (const record of batch.records) await work(session, record)
    }
  },
  // Some records cannot be worked on, and are skipped in the end.
  each: (session) =>
    session.forEach(
      async (record) => {
        if (contentOf(record).n % 101 === 7) throw new Error(`poison: ${record.text()}`)
        await work(session, record)
      },
      {
        retry: { attempts: 2, initialDelay: { milliseconds: 5 }, maxDelay: { milliseconds: 20 } },
        onError: (_, record) => {
          see(session, 'skipped', record)
          return 'skip'
        },
      },
    ),
}
const way = WAYS[CHAOS_VARIANT as Variant]
await (CHAOS_VARIANT === 'host' ? eachShard(way, options) : way(new KclSession(options)))

async function iterate(session: KclSession): Promise<void> {
  for await (const batch of session.batches()) {
    for await (const record of batch) await work(session, record)
  }
}

async function work(session: KclSession, record: KinesisRecord): Promise<void> {
  see(session, 'record', record)
  noteStored(session)
  await pause(1)
  while (existsSync(busy)) await pause(50)
}

function begin(shard: string, from: string | null): void {
  const name = `${now()}-${process.pid}-${shard}.ndjson`
  diaries.set(shard, { file: openSync(join(CHAOS_FOLDER, 'seen', name), 'ax'), stored: '' })
  note(shard, 'process', { pid: process.pid, worker: CHAOS_WORKER })
  note(shard, 'begin', { shard, from })
}

function see(session: KclSession, is: 'record' | 'skipped', record: KinesisRecord): void {
  const shard = session.shard?.shardId ?? ''
  note(shard, is, { shard, sequence: record.sequenceNumber, ...contentOf(record) })
}

function contentOf(record: KinesisRecord): { key: string; n: number } {
  return record.json<{ key: string; n: number }>()
}

function noteStored(session: KclSession): void {
  const shard = session.shard?.shardId ?? ''
  const diary = diaries.get(shard)
  const sequence = session.checkpointed?.sequenceNumber ?? ''
  if (diary === undefined || sequence === diary.stored) return
  diary.stored = sequence
  note(shard, 'stored', { sequence })
}

function note(shard: string, is: string, fields: object): void {
  const { file } = diaries.get(shard) ?? {}
  if (file === undefined) throw new Error(`${shard} has not begun.`)
  writeSync(file, `${JSON.stringify({ is, at: now(), ...fields })}\n`)
}
