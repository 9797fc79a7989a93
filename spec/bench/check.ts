// Ratios are what stays the same from machine to machine. Those of a good day are kept in baseline.json, and a check
// holds new ones against them.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Starting, Throughput } from './results.ts'

/** Ratios by row and style. For starts and memory less is better, elsewhere more. */
export type Ratios = Readonly<Record<string, Readonly<Record<string, number>>>>

/** The row of the starts. */
export const START = 'start over a bare reader'

/** The ratios that are kept: those of our own styles. */
export function ratiosOf(
  shapes: Readonly<Record<string, Readonly<Record<string, Throughput>>>>,
  starts: Readonly<Record<string, Starting>>,
): Ratios {
  const ratios: Record<string, Record<string, number>> = {}
  for (const [shape, row] of Object.entries(shapes)) {
    ratios[shape] = Object.fromEntries(
      OURS.flatMap((style) => (row[style] === undefined ? [] : [[style, round(row[style].ratio)]])),
    )
  }
  const ours = starts['batch.records']
  if (ours !== undefined) {
    ratios[START] = { processor: round(ours.ratio), memory: round(ours.memoryRatio ?? 1) }
  }
  return ratios
}

/** What is worse than it was by more than the tolerance, a sentence each. */
export function worseThan(kept: Ratios, tolerance: number, ratios: Ratios): string[] {
  const found: string[] = []
  for (const [row, columns] of Object.entries(kept)) {
    for (const [column, before] of Object.entries(columns)) {
      const now = ratios[row]?.[column]
      if (now === undefined) continue
      const worse = row === START ? now / before : before / now
      if (worse > 1 + tolerance) found.push(`${row}, ${column}: ${now}, and it was ${before}.`)
    }
  }
  return found
}

/** What is worse than the baseline. */
export function worseThanBaseline(ratios: Ratios): string[] {
  const { tolerance, ratios: kept } = readBaseline()
  return worseThan(kept, tolerance, ratios)
}

/** How many ratios of the baseline were measured again. */
export function compared(ratios: Ratios): number {
  return Object.entries(readBaseline().ratios)
    .flatMap(([row, kept]) => Object.keys(kept).map((column) => ratios[row]?.[column]))
    .filter((ratio) => ratio !== undefined).length
}

/** Makes these ratios the baseline. */
export function keep(ratios: Ratios): void {
  const { tolerance } = readBaseline()
  writeFileSync(BASELINE, `${JSON.stringify({ node: process.version, tolerance, ratios }, null, 2)}\n`)
}

function readBaseline(): { tolerance: number; ratios: Ratios } {
  return JSON.parse(readFileSync(BASELINE, 'utf8')) as { tolerance: number; ratios: Ratios }
}

function round(ratio: number): number {
  return Number(ratio.toFixed(2))
}

const OURS = ['batch.records', 'for await', 'for of', 'forEach']
const BASELINE = join(import.meta.dirname, '../../../spec/bench/baseline.json')
