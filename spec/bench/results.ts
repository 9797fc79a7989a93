// From samples to figures. A ratio is taken round by round, of two processes that ran side by side, and its median
// kept: what slows the whole machine down cancels out. Processor time scatters far less than wall time.

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
  const floor = samples.get(FLOOR) ?? []
  const row = [...samples].map(([style, own]): [string, Throughput] => [
    style.name,
    {
      wall: median(own.map(({ wall }) => wall)),
      processor: figure(own.map(({ processor }) => processor)),
      ratio: ratio(floor, own, ({ processor, wall }) => processor ?? wall),
      wallRatio: ratio(floor, own, ({ wall }) => wall),
      peak: figure(own.map(({ peak }) => peak)),
    },
  ])
  return Object.fromEntries(row)
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
        ratio: ratio(own, floor, ({ processor, wall }) => processor ?? wall),
        wallRatio: ratio(own, floor, ({ wall }) => wall),
        memoryRatio: memory === null ? null : ratio(own, floor, (start) => start.memory ?? 0),
      },
    ]
  })
  return Object.fromEntries(row)
}

function ratio<S>(above: readonly S[], below: readonly S[], of: (sample: S) => number): number {
  const pairs = above.flatMap((sample, round) => {
    const other = below[round]
    return other === undefined ? [] : [of(sample) / of(other)]
  })
  return median(pairs)
}

function figure(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((one) => one !== null)
  return known.length === 0 ? null : median(known)
}
