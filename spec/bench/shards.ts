// Many shards at once on one machine, each in lock-step with a consumer of its own.

import { Consumer } from './consumer.ts'
import type { Effort } from './rounds.ts'
import { deliveryOf, type Shape } from './shapes.ts'
import type { Style } from './styles.ts'

/** What so many shards come to together. */
export interface Shards {
  readonly recordsPerSecond: number
  /** Microseconds of processor time per record. */
  readonly processor: number | null
  /** Private memory of all consumers, in MiB. */
  readonly memory: number | null
  /** Milliseconds until all have answered for the first time. */
  readonly start: number
}

/** How many shards the table has. */
export const SHARDS: readonly number[] = [1, 4, 16, 64]

const SHAPE: Shape = { name: '100 × 100 B', records: 100, bytes: 100 }

/** Measures so many consumers of a style, all at once. */
export async function measureShards(style: Style, shards: number, effort: Effort): Promise<Shards> {
  const delivery = deliveryOf(SHAPE)
  const before = performance.now()
  const consumers = await Promise.all(Array.from({ length: shards }, () => Consumer.start(style)))
  const start = performance.now() - before
  const deliverAll = async (time: number): Promise<number[]> => {
    const end = performance.now() + time
    return Promise.all(
      consumers.map(async (consumer) => {
        let batches = 0
        for (; performance.now() < end || batches === 0; batches += 1) await consumer.perform(delivery)
        return batches
      }),
    )
  }
  const warm = await deliverAll(effort.warmUp)
  const processorBefore = sum(consumers.map((consumer) => consumer.processorTime()))
  const wallBefore = performance.now()
  const batches = await deliverAll(effort.measure)
  const wall = performance.now() - wallBefore
  const processorAfter = sum(consumers.map((consumer) => consumer.processorTime()))
  const memory = sum(consumers.map((consumer) => consumer.privateMemory()))
  await Promise.all(
    consumers.map((consumer, index) => {
      const records = ((warm[index] ?? 0) + (batches[index] ?? 0)) * SHAPE.records
      return consumer.end({ records, bytes: records * SHAPE.bytes })
    }),
  )
  const records = (sum(batches) ?? 0) * SHAPE.records
  return {
    recordsPerSecond: (records / wall) * 1000,
    processor:
      processorBefore === null || processorAfter === null
        ? null
        : ((processorAfter - processorBefore) / records) * 1000,
    memory,
    start,
  }
}

function sum(figures: readonly (number | null)[]): number | null {
  return figures.reduce((all, one) => (all === null || one === null ? null : all + one), 0)
}
