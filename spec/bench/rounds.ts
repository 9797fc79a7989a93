// Rounds, all styles side by side in each and at work by turns, a short while at a time, so that what else goes on on the
// machine meets all of them alike. Each round starts new processes: how a compiler decides differs from one to the next.
// A short run would measure the compiler alone, so a process warms up before its first turn.

import { setTimeout } from 'node:timers/promises'
import { Consumer } from './consumer.ts'
import { placed } from './processor.ts'
import { deliveryOf, type Shape } from './shapes.ts'
import type { Style } from './styles.ts'

/** How long and how often: milliseconds, and rounds. */
export interface Effort {
  readonly warmUp: number
  readonly measure: number
  readonly rounds: number
  readonly starts: number
}

/** What one turn of one style came to. */
export interface Turn {
  /** Microseconds per record. */
  readonly wall: number
  /** Microseconds of processor time per record; null where the machine does not tell. */
  readonly processor: number | null
}

/** What one round of one style came to. */
export interface Sample {
  readonly turns: readonly Turn[]
  /** MiB at the most; null where the machine does not tell. */
  readonly peak: number | null
}

// Milliseconds of a turn; it has one batch at the least.
const TURN = 60
// Milliseconds after a turn in which a process collects its garbage: that counts as its own, and disturbs no other.
const REST = 5

/** Measures styles with batches of one shape; the samples of each style, round by round. */
export function measure(
  styles: readonly Style[],
  shape: Shape,
  effort: Effort,
): Promise<Map<Style, Sample[]>> {
  return placed(shape, () => measureByTurns(styles, shape, effort))
}

async function measureByTurns(
  styles: readonly Style[],
  shape: Shape,
  effort: Effort,
): Promise<Map<Style, Sample[]>> {
  const samples = new Map(styles.map((style): [Style, Sample[]] => [style, []]))
  for (let round = 0; round < effort.rounds; round += 1) {
    const workers = await Promise.all(styles.map((style) => Worker.start(style, shape)))
    for (const worker of workers) await worker.deliverFor(effort.warmUp)
    for (let turn = 0; turn * TURN < effort.measure; turn += 1) {
      // Back and forth: a machine that grows slower or faster favours nobody.
      for (const worker of turn % 2 === 0 ? workers : workers.toReversed()) await worker.turn()
    }
    for (const worker of workers) samples.get(worker.style)?.push(await worker.end())
  }
  return samples
}

/** A consumer that gets batches of one shape. */
export class Worker {
  readonly style: Style
  readonly #consumer: Consumer
  readonly #shape: Shape
  readonly #delivery: Buffer
  readonly #turns: Turn[] = []
  #batches = 0

  private constructor(style: Style, shape: Shape, consumer: Consumer) {
    this.style = style
    this.#shape = shape
    this.#delivery = deliveryOf(shape)
    this.#consumer = consumer
  }

  static async start(style: Style, shape: Shape): Promise<Worker> {
    return new Worker(style, shape, await Consumer.start(style))
  }

  /** Delivers batches for so many milliseconds, and tells how many. */
  async deliverFor(time: number): Promise<number> {
    const end = performance.now() + time
    let batches = 0
    do {
      await this.#consumer.perform(this.#delivery)
      batches += 1
    } while (performance.now() < end)
    this.#batches += batches
    return batches
  }

  /** One turn. What the process does between its turns does not count. */
  async turn(): Promise<void> {
    const processorBefore = this.#consumer.processorTime()
    const wallBefore = performance.now()
    const batches = await this.deliverFor(TURN)
    const wall = performance.now() - wallBefore
    await setTimeout(REST)
    const processorAfter = this.#consumer.processorTime()
    const each = 1000 / (batches * this.#shape.records)
    const known = processorBefore !== null && processorAfter !== null
    this.#turns.push({
      wall: wall * each,
      processor: known ? (processorAfter - processorBefore) * each : null,
    })
  }

  /** Ends the process. Throws where it did not see what it was sent. */
  async end(): Promise<Sample> {
    const peak = this.#consumer.peakMemory()
    const records = this.#batches * this.#shape.records
    await this.#consumer.end({ records, bytes: records * this.#shape.bytes })
    return { turns: this.#turns, peak }
  }
}

/** The figure that half of them are not above. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}
