// Rounds, one style after the other in each, so that what else goes on on the machine meets all of them alike. Each
// round starts a new process: how its compiler decides differs from one to the next. A short run would measure the
// compiler alone, so a process warms up before it is measured.

import { Consumer } from './consumer.ts'
import { deliveryOf, type Shape } from './shapes.ts'
import type { Style } from './styles.ts'

/** How long and how often: milliseconds, and rounds. */
export interface Effort {
  readonly warmUp: number
  readonly measure: number
  readonly rounds: number
  readonly starts: number
}

/** What one round of one style came to. */
export interface Sample {
  /** Microseconds per record. */
  readonly wall: number
  /** Microseconds of processor time per record; null where the machine does not tell. */
  readonly processor: number | null
  /** MiB at the most; null where the machine does not tell. */
  readonly peak: number | null
}

/** Measures styles with batches of one shape; the samples of each style, round by round. */
export async function measure(
  styles: readonly Style[],
  shape: Shape,
  effort: Effort,
): Promise<Map<Style, Sample[]>> {
  const delivery = deliveryOf(shape)
  const samples = new Map(styles.map((style): [Style, Sample[]] => [style, []]))
  for (let round = 0; round < effort.rounds; round += 1) {
    // Back and forth: a machine that grows slower or faster favours nobody.
    for (const style of round % 2 === 0 ? styles : styles.toReversed()) {
      samples.get(style)?.push(await sample(style, shape, delivery, effort))
    }
  }
  return samples
}

async function sample(style: Style, shape: Shape, delivery: Buffer, effort: Effort): Promise<Sample> {
  const consumer = await Consumer.start(style)
  const warm = await deliverFor(effort.warmUp, consumer, delivery)
  const processorBefore = consumer.processorTime()
  const wallBefore = performance.now()
  const batches = await deliverFor(effort.measure, consumer, delivery)
  const wall = performance.now() - wallBefore
  const processorAfter = consumer.processorTime()
  const peak = consumer.peakMemory()
  const sent = (warm + batches) * shape.records
  await consumer.end({ records: sent, bytes: sent * shape.bytes })
  const each = 1000 / (batches * shape.records)
  return {
    wall: wall * each,
    processor:
      processorBefore === null || processorAfter === null ? null : (processorAfter - processorBefore) * each,
    peak,
  }
}

async function deliverFor(time: number, consumer: Consumer, delivery: Buffer): Promise<number> {
  const end = performance.now() + time
  let batches = 0
  do {
    await consumer.perform(delivery)
    batches += 1
  } while (performance.now() < end)
  return batches
}

/** The figure that half of them are not above. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}
