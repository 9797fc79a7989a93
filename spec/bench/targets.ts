// What the library is to reach: data, and what of it a run has reached.

import { ACKNOWLEDGING, type OnDaemon } from './daemon.ts'
import { type Starting, type Table, type Throughput, time } from './results.ts'

/** One style held against another. */
export interface Target {
  /** The shape of a batch, or one of the rows below. */
  readonly row: string
  readonly style: string
  readonly over: string
  /** Of speed: so many times as fast at the least. */
  readonly least?: number
  /** Of cost: so many times as much at the most. */
  readonly most?: number
}

/** A target, and what came of it. */
export interface Reached extends Target {
  readonly figure: number
  readonly met: boolean
}

/** What everything costs, by row, then by style. */
export type Costs = Readonly<Record<string, Readonly<Record<string, number>>>>

/** Rows that are no shape. */
export const START = 'start'
export const REST = 'memory at rest'
export const DAEMON = 'real daemon'

const RECORDS = 'batch.records'
const KIB = '1000 × 1 KiB'
const MANY = '10,000 × 100 B'
const SMALL = '100 × 50 B'
const TRIP = '1 × 200 B'
const MIB = '10 × 1 MiB'
const ALL = [KIB, MANY, SMALL, TRIP, MIB]

/** All of them. */
export const TARGETS: readonly Target[] = [
  ...least(1, RECORDS, 'floor', KIB),
  ...least(0.85, RECORDS, 'floor', MANY, SMALL),
  ...least(0.95, RECORDS, 'floor', TRIP),
  ...least(2, RECORDS, 'floor', MIB),
  ...least(1.9, RECORDS, 'aws-kcl', KIB),
  // Within 2 % is as fast.
  ...least(0.98, RECORDS, 'aws-kcl', MANY, SMALL, TRIP, MIB),
  ...least(0.9, 'for of', RECORDS, ...ALL),
  ...least(0.85, 'for await', RECORDS, KIB, MIB),
  ...least(0.72, 'for await', RECORDS, MANY, SMALL, TRIP),
  ...least(0.9, 'forEach', RECORDS, ...ALL),
  { row: START, style: RECORDS, over: 'floor', most: 1.15 },
  { row: REST, style: RECORDS, over: 'floor', most: 1.2 },
  ...least(0.98, RECORDS, ACKNOWLEDGING, DAEMON),
]

/** The costs that a run has measured. */
export function costsOf(
  shapes: Table<Throughput>,
  starts: Readonly<Record<string, Starting>>,
  daemon: Readonly<Record<string, OnDaemon>>,
): Costs {
  const costs = (row: Readonly<Record<string, Throughput>>): Record<string, number> =>
    Object.fromEntries(Object.entries(row).map(([style, figures]) => [style, time(figures)]))
  const memory = Object.entries(starts).flatMap(([style, { memoryRatio }]) =>
    memoryRatio === null ? [] : [[style, memoryRatio] as const],
  )
  return {
    ...Object.fromEntries(Object.entries(shapes).map(([shape, row]) => [shape, costs(row)])),
    [START]: Object.fromEntries(Object.entries(starts).map(([style, { ratio }]) => [style, ratio])),
    [REST]: Object.fromEntries(memory),
    [DAEMON]: Object.fromEntries(Object.entries(daemon).map(([child, { wall }]) => [child, wall])),
  }
}

/** The targets that these costs tell of. They are judged by the figure as it is printed. */
export function reached(targets: readonly Target[], costs: Costs): Reached[] {
  return targets.flatMap((target) => {
    const [own, other] = [costs[target.row]?.[target.style], costs[target.row]?.[target.over]]
    if (own === undefined || other === undefined) return []
    const { least = Number.NEGATIVE_INFINITY, most } = target
    const figure = Number((most === undefined ? other / own : own / other).toFixed(3))
    return [{ ...target, figure, met: figure >= least && figure <= (most ?? Number.POSITIVE_INFINITY) }]
  })
}

function least(limit: number, style: string, over: string, ...rows: readonly string[]): Target[] {
  return rows.map((row) => ({ row, style, over, least: limit }))
}
