// The tables on the terminal.

import type { OnDaemon } from './daemon.ts'
import { type Handled, TURNS } from './handlers.ts'
import type { Kinds } from './profile.ts'
import type { Starting, Table, Throughput } from './results.ts'
import type { Shards } from './shards.ts'
import type { Reached } from './targets.ts'

/** The floor's time over each style's, in processor time, with that of wall time in brackets. */
export function ratioTable(figures: Table<Throughput>): string {
  return table('floor ÷ style', figures, ({ ratio, wallRatio }, style) =>
    style === 'floor' ? '1.00' : `${ratio.toFixed(2)} (${wallRatio.toFixed(2)})`,
  )
}

/** Microseconds per record. */
export function timeTable(figures: Table<Throughput>): string {
  return table('µs per record', figures, ({ processor, wall }) => (processor ?? wall).toPrecision(3))
}

/** The most memory that a process had. */
export function peakTable(figures: Table<Throughput>): string {
  return table('MiB at the most', figures, ({ peak }) => (peak === null ? '?' : peak.toFixed(0)))
}

/** Starts, each figure with its ratio to the floor's. */
export function startTable(row: Readonly<Record<string, Starting>>): string {
  const rows: Record<string, Record<string, string>> = {
    'start, ms of processor': {},
    'start, ms': {},
    'memory, MiB': {},
  }
  const [processor = {}, wall = {}, memory = {}] = Object.values(rows)
  for (const [style, start] of Object.entries(row)) {
    processor[style] = `${start.processor?.toFixed(0) ?? '?'} (${start.ratio.toFixed(2)})`
    wall[style] = `${start.wall.toFixed(0)} (${start.wallRatio.toFixed(2)})`
    memory[style] = `${start.memory?.toFixed(1) ?? '?'} (${start.memoryRatio?.toFixed(2) ?? '?'})`
  }
  return table('style (÷ floor)', rows, (text) => text)
}

/** What each step of a start adds. */
export function stepTable(steps: Readonly<Record<string, Starting>>): string {
  const all = Object.values(steps)
  const rows = Object.entries(steps).map(([step, { processor, memory }], at) => {
    const before = all[at - 1]
    const added = (figure: number | null, other: number | null | undefined, digits: number): string =>
      figure === null ? '?' : (figure - (other ?? 0)).toFixed(digits)
    return [
      step,
      { 'ms of processor': added(processor, before?.processor, 1), MiB: added(memory, before?.memory, 2) },
    ]
  })
  return table('of a start', Object.fromEntries(rows), (text: string) => text)
}

/** Many records at once. */
export function handlerTable(row: Readonly<Record<string, Handled>>): string {
  const rows: Record<string, Record<string, string>> = {
    'ms for 1,000 records': {},
    'of the best speed-up': {},
    'order of every key': {},
    'again after a failure': {},
  }
  const [time = {}, ofIdeal = {}, ordered = {}, again = {}] = Object.values(rows)
  for (const [style, handled] of Object.entries(row)) {
    time[style] = handled.time.toFixed(0)
    ofIdeal[style] = handled.ofIdeal.toFixed(2)
    ordered[style] = handled.ordered ? 'kept' : 'LOST'
    again[style] = String(handled.again)
  }
  const title = `1,000 records of 5 ms, 64 at once; at best ${TURNS.hands} turns, or ${TURNS.longestKey} of one key`
  return table(title, rows, (text) => text)
}

/** Many shards at once: records a second, processor time a record, Pss idle and loaded, time to the first answers, round trip. */
export function shardTable(figures: Table<Shards>): string {
  return table('shards', figures, ({ recordsPerSecond, processor, idle, memory, start, roundTrip }) => {
    const rate = Math.round(recordsPerSecond / 1000)
    const times = `${start.toFixed(0)} ms, ${roundTrip.toFixed(0)} µs`
    return `${rate} k/s, ${processor?.toFixed(2) ?? '?'} µs, ${idle?.toFixed(0) ?? '?'} → ${memory?.toFixed(0) ?? '?'} MiB, ${times}`
  })
}

/** The real daemon, each rate with its ratio to that of the child that only acknowledges. */
export function daemonTable(row: Readonly<Record<string, OnDaemon>>): string {
  const [acknowledging] = Object.values(row)
  return table('the real daemon', { 'records a second': row }, ({ wall, recordsPerSecond }) => {
    const ratio = (acknowledging?.wall ?? Number.NaN) / wall
    return `${Math.round(recordsPerSecond).toLocaleString('en-US')} (${ratio.toFixed(2)})`
  })
}

/** Every target that was measured, what it asks, and what came of it. */
export function targetTable(targets: readonly Reached[]): string {
  const rows = targets.map(({ row, style, over, least, most, figure, met }) => [
    `${row}: ${style} over ${over}`,
    {
      target: least === undefined ? `≤ ${most?.toFixed(2)}` : `≥ ${least.toFixed(2)}`,
      figure: figure.toFixed(3),
      result: met ? 'met' : 'MISSED',
    },
  ])
  return table('speed, or cost', Object.fromEntries(rows), (text: string) => text)
}

/** Where the styles of one shape spend their time; what takes least of it is one line. */
export function profileTable(shape: string, styles: Readonly<Record<string, Kinds>>): string {
  const all = Object.values(styles)
  const sum = (kinds: Kinds): number => Object.values(kinds).reduce((total, time) => total + time, 0)
  const most = (kind: string): number => Math.max(...all.map((kinds) => kinds[kind] ?? 0))
  const sorted = [...new Set(all.flatMap((kinds) => Object.keys(kinds)))].sort((a, b) => most(b) - most(a))
  const digits = Math.max(0, 3 - Math.floor(Math.log10(Math.max(...all.map(sum)))))
  const row = (of: (kinds: Kinds) => number): Record<string, number> =>
    Object.fromEntries(Object.entries(styles).map(([style, kinds]) => [style, of(kinds)]))
  const rows = sorted.slice(0, MOST_KINDS).map((kind) => [kind, row((kinds) => kinds[kind] ?? 0)])
  const rest = sorted.slice(MOST_KINDS)
  rows.push(['all else', row((kinds) => rest.reduce((total, kind) => total + (kinds[kind] ?? 0), 0))])
  rows.push(['together', row(sum)])
  return table(`${shape}: µs per record at`, Object.fromEntries(rows), (time: number) => time.toFixed(digits))
}

function table<Figure>(
  title: string,
  figures: Table<Figure>,
  show: (figure: Figure, style: string) => string,
): string {
  const styles = Object.keys(Object.values(figures)[0] ?? {})
  const rows = Object.entries(figures).map(([name, row]) => [
    name,
    ...styles.map((style) => {
      const figure = row[style]
      return figure === undefined ? '' : show(figure, style)
    }),
  ])
  const cells = [[title, ...styles], ...rows]
  const widths = [title, ...styles].map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  )
  const [head = '', ...lines] = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [head, widths.map((width) => '─'.repeat(width)).join('  '), ...lines].join('\n')
}

const MOST_KINDS = 18
