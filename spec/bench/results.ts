// From samples to figures. A style's time is the mean of the quickest three quarters of its turns in all rounds: what else
// the machine did in the rest is no matter of it. Processor time scatters far less than wall time. Of starts, a ratio is
// taken start by start, of two processes that ran one after the other, and its median kept.

import { median, type Sample } from './rounds.ts'
import type { Start } from './start.ts'
import { FLOOR, type Style } from './styles.ts'

/** What a style takes for a record, and how that compares with the floor. */
export interface Throughput {
  /** Microseconds per record. */
  readonly wall: number
  readonly processor: number | null
  /** The floor's time over this style's: above 1 is faster than the floor. */
  readonly ratio: number
  readonly wallRatio: number
  /** MiB at the most. */
  readonly peak: number | null
}

/** What a start takes; here the ratios are this style's figure over the floor's: less is better. */
export interface Starting {
  readonly wall: number
  readonly processor: number | null
  readonly memory: number | null
  readonly ratio: number
  readonly wallRatio: number
  readonly memoryRatio: number | null
}

/** Figures by row, then by the name of the style. */
export type Table<Figure> = Readonly<Record<string, Readonly<Record<string, Figure>>>>

/** The figures of one row. */
export function throughput(samples: Map<Style, Sample[]>): Record<string, Throughput> {
  const row = [...samples].map(([{ name }, rounds]) => {
    const turns = rounds.flatMap((round) => round.turns)
    const wall = quick(turns.map((turn) => turn.wall))
    const processor = turns.map((turn) => turn.processor).filter((time) => time !== null)
    return {
      name,
      wall,
      processor: processor.length === 0 ? null : quick(processor),
      peak: figure(rounds.map(({ peak }) => peak)),
    }
  })
  const floor = row.find(({ name }) => name === FLOOR.name)
  return Object.fromEntries(
    row.map(({ name, ...own }) => [
      name,
      {
        ...own,
        ratio: time(floor) / time(own),
        wallRatio: (floor?.wall ?? Number.NaN) / own.wall,
      },
    ]),
  )
}

/** Its processor time, or where the machine does not tell, its wall time. */
export function time(figures: { processor: number | null; wall: number } | undefined): number {
  return figures?.processor ?? figures?.wall ?? Number.NaN
}

/** The figures of starts. */
export function starting(samples: Map<Style, Start[]>): Record<string, Starting> {
  const floor = samples.get(FLOOR) ?? []
  const row = [...samples].map(([style, own]): [string, Starting] => {
    const memory = figure(own.map((start) => start.memory))
    return [
      style.name,
      {
        wall: median(own.map(({ wall }) => wall)),
        processor: figure(own.map(({ processor }) => processor)),
        memory,
        ratio: ratio(own, floor, time),
        wallRatio: ratio(own, floor, ({ wall }) => wall),
        memoryRatio: memory === null ? null : ratio(own, floor, (start) => start.memory ?? 0),
      },
    ]
  })
  return Object.fromEntries(row)
}

function ratio<S>(above: readonly S[], below: readonly S[], of: (sample: S) => number): number {
  const pairs = above.flatMap((sample, at) => {
    const other = below[at]
    return other === undefined ? [] : [of(sample) / of(other)]
  })
  return median(pairs)
}

function quick(times: readonly number[]): number {
  const kept = times.toSorted((one, other) => one - other).slice(0, Math.ceil(times.length * QUICK))
  return kept.reduce((sum, one) => sum + one, 0) / kept.length
}

function figure(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((one) => one !== null)
  return known.length === 0 ? null : median(known)
}

const QUICK = 0.75
