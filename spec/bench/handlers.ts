// Many records at once: 1,000 records of 200 keys, 5 ms for each, 64 at a time; ours beside what people write today with
// p-map and p-queue. In one process, on the daemon of the test kit: what counts here is waiting, not processor time.

import { setTimeout } from 'node:timers/promises'
import { everyRecords, KclSession, type KinesisRecord, type RecordBatch } from 'kcl-session'
import { TestDaemon } from 'kcl-session/testing'
import pMap from 'p-map'
import PQueue from 'p-queue'

const RECORDS = 1000
const KEYS = 200
const AT_ONCE = 64
const DURATION = 5
// The record that fails for good, in the run that tells what comes again.
const POISON = 900

type Handler = (record: KinesisRecord) => Promise<void>
type Style = (batch: RecordBatch, handler: Handler) => Promise<unknown>

const STYLES: Readonly<Record<string, Style>> = {
  'one by one': (batch, handler) => batch.forEach(handler),
  forEach: (batch, handler) => batch.forEach(handler, { concurrency: AT_ONCE }),
  'in no order': (batch, handler) => batch.forEach(handler, { concurrency: AT_ONCE, ordering: 'none' }),
  'p-map': (batch, handler) => pMap(batch.records, handler, { concurrency: AT_ONCE }),
  'p-queue per key': async (batch, handler) => {
    const all = new PQueue({ concurrency: AT_ONCE })
    const keys = new Map<string, PQueue>()
    await Promise.all(
      batch.records.map((record) => {
        const key = keys.get(record.partitionKey) ?? new PQueue({ concurrency: 1 })
        keys.set(record.partitionKey, key)
        return key.add(() => all.add(() => handler(record)))
      }),
    )
  },
}

/** What a style came to. */
export interface Handled {
  /** Milliseconds for all records. */
  readonly time: number
  /** The speed-up over one by one, as a part of the best there can be. */
  readonly ofIdeal: number
  /** Whether no record of a key began before the one before it had ended. */
  readonly ordered: boolean
  /** How many records that were done come again after record 900 has failed. */
  readonly again: number
}

/**
 * The best there can be: so many handlers one after the other, each as long as one of those one by one. Whoever keeps the
 * order cannot be faster than the key with the most records, nor anybody than all hands at work all the time.
 */
export const TURNS: { readonly hands: number; readonly longestKey: number } = {
  hands: Math.ceil(RECORDS / AT_ONCE),
  longestKey: Math.max(...countKeys().values()),
}

/** Measures each style, by turns, back and forth. */
export async function measureHandlers(rounds: number): Promise<Record<string, Handled>> {
  const times: Record<string, number[]> = {}
  const ordered: Record<string, boolean> = {}
  const styles = Object.entries(STYLES)
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, style] of round % 2 === 0 ? styles : styles.toReversed()) {
      if (name === 'one by one' && round > 0) continue
      const run = await handle(style, null)
      times[name] = [...(times[name] ?? []), run.time]
      ordered[name] = (ordered[name] ?? true) && run.ordered
    }
  }
  const serial = median(times['one by one'] ?? [])
  const results: Record<string, Handled> = {}
  for (const [name, style] of styles) {
    const time = median(times[name] ?? [])
    const { again } = await handle(style, POISON)
    const inOrder = ordered[name] ?? false
    const best = RECORDS / (inOrder ? Math.max(TURNS.hands, TURNS.longestKey) : TURNS.hands)
    results[name] = { time, ofIdeal: serial / time / best, ordered: inOrder, again }
  }
  return results
}

async function handle(
  style: Style,
  poison: number | null,
): Promise<{ time: number; ordered: boolean; again: number }> {
  const daemon = new TestDaemon({ patience: { minutes: 2 } })
  const session = new KclSession({ ...daemon.streams, logger: false, policy: everyRecords(100) })
  const last = new Map<string, number>()
  let ordered = true
  let done = 0
  const handler: Handler = async (record) => {
    const n = record.json<{ n: number }>().n
    if ((last.get(record.partitionKey) ?? -1) >= 0) ordered = false
    last.set(record.partitionKey, n)
    await setTimeout(DURATION)
    last.delete(record.partitionKey)
    if (n === poison) throw new Error('poison')
    done += 1
  }
  let time = 0
  const loop = (async () => {
    for await (const batch of session.batches()) {
      const started = performance.now()
      await style(batch, handler)
      time = performance.now() - started
    }
  })()
  const records = Array.from({ length: RECORDS }, (_, n) => ({
    json: { n },
    partitionKey: keyOf(n),
  }))
  const delivered = daemon.deliver(records)
  if (poison === null) {
    await delivered
    await daemon.endShard()
    await loop
    return { time, ordered, again: 0 }
  }
  delivered.catch(() => {})
  await loop.catch(() => {})
  // What was done and is not stored at the stop.
  const again = done - session.stats.records
  await session.close()
  return { time, ordered, again }
}

function countKeys(): Map<string, number> {
  const counts = new Map<string, number>()
  for (let n = 0; n < RECORDS; n += 1) counts.set(keyOf(n), (counts.get(keyOf(n)) ?? 0) + 1)
  return counts
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

// Scattered, and the same in each run.
function keyOf(n: number): string {
  return `key ${hash(n) % KEYS}`
}

function hash(n: number): number {
  let x = Math.imul(n + 1, 0x9e3779b1)
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b)
  return (x ^ (x >>> 13)) >>> 0
}
