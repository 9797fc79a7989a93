// Many shards at once on one machine, each in lock-step with its daemon: in a process each, or all in one.

import { Consumer } from './consumer.ts'
import { OneProcess } from './one-process.ts'
import type { Effort } from './rounds.ts'
import { deliveryOf, type Shape } from './shapes.ts'
import { ONE_PROCESS, type Style } from './styles.ts'

/** What so many shards come to together. */
export interface Shards {
  readonly recordsPerSecond: number
  /** Microseconds of processor time per record. */
  readonly processor: number | null
  /** Proportional set size of all processes, in MiB: before the first record, and after the last. */
  readonly idle: number | null
  readonly memory: number | null
  /** Milliseconds until all have answered for the first time. */
  readonly start: number
  /** Microseconds from an empty batch to its status, while nothing else goes on. */
  readonly roundTrip: number
}

/** How many shards the table has. */
export const SHARDS: readonly number[] = [1, 4, 16, 64]

const SHAPE: Shape = { name: '100 × 100 B', records: 100, bytes: 100 }
const NOTHING: Shape = { name: 'nothing', records: 0, bytes: 0 }
// Milliseconds in which round trips are counted.
const TRIPS = 300

interface Shard {
  perform(action: Buffer): Promise<void>
}

/** Shards that have answered for the first time. */
interface Started {
  readonly shards: readonly Shard[]
  processorTime(): number | null
  memory(): number | null
  /** Ends them; `batches` is what each was sent. */
  end(batches: readonly number[]): Promise<unknown>
}

/** Measures so many consumers of a style, all at once. */
export function measureShards(style: Style, shards: number, effort: Effort): Promise<Shards> {
  return measured(effort, async () => {
    const consumers = await Promise.all(Array.from({ length: shards }, () => Consumer.start(style)))
    return {
      shards: consumers,
      processorTime: () => sum(consumers.map((consumer) => consumer.processorTime())),
      memory: () => sum(consumers.map((consumer) => consumer.memory())),
      end: (batches) => Promise.all(consumers.map((consumer, at) => consumer.end(sentIn(batches[at] ?? 0)))),
    }
  })
}

/** Measures so many shards in one process. */
export function measureOneProcess(shards: number, effort: Effort): Promise<Shards> {
  return measured(effort, async () => {
    const one = await OneProcess.start(ONE_PROCESS, shards)
    return {
      shards: one.shards,
      processorTime: () => one.processorTime(),
      memory: () => one.memory(),
      end: (batches) => one.end(sentIn(batches.reduce((all, count) => all + count, 0))),
    }
  })
}

async function measured(effort: Effort, begin: () => Promise<Started>): Promise<Shards> {
  const delivery = deliveryOf(SHAPE)
  const before = performance.now()
  const started = await begin()
  const start = performance.now() - before
  const idle = started.memory()
  const roundTrip = await tripTime(started.shards[0])
  const deliverAll = async (time: number): Promise<number[]> => {
    const end = performance.now() + time
    return Promise.all(
      started.shards.map(async (shard) => {
        let batches = 0
        for (; performance.now() < end || batches === 0; batches += 1) await shard.perform(delivery)
        return batches
      }),
    )
  }
  const warm = await deliverAll(effort.warmUp)
  const processorBefore = started.processorTime()
  const wallBefore = performance.now()
  const batches = await deliverAll(effort.measure)
  const wall = performance.now() - wallBefore
  const processorAfter = started.processorTime()
  const memory = started.memory()
  await started.end(batches.map((count, at) => count + (warm[at] ?? 0)))
  const records = (sum(batches) ?? 0) * SHAPE.records
  const processor =
    processorBefore === null || processorAfter === null
      ? null
      : ((processorAfter - processorBefore) / records) * 1000
  return { recordsPerSecond: (records / wall) * 1000, processor, idle, memory, start, roundTrip }
}

async function tripTime(shard: Shard | undefined): Promise<number> {
  const nothing = deliveryOf(NOTHING)
  const begun = performance.now()
  let trips = 0
  for (; performance.now() - begun < TRIPS; trips += 1) await shard?.perform(nothing)
  return ((performance.now() - begun) / trips) * 1000
}

function sentIn(batches: number): { records: number; bytes: number } {
  return { records: batches * SHAPE.records, bytes: batches * SHAPE.records * SHAPE.bytes }
}

function sum(figures: readonly (number | null)[]): number | null {
  return figures.reduce((all, one) => (all === null || one === null ? null : all + one), 0)
}
