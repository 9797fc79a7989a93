// What a run comes to, in words and columns: for people, on standard error.

import type { Finding } from './findings.ts'
import type { ShardProgress } from './progress.ts'

/** The table of shards that closes a run. */
export function summaryTable(progress: readonly ShardProgress[]): string[] {
  const rows = progress.map((one) => [
    one.shard.id,
    count(one.delivered),
    count(one.acknowledged),
    count(one.checkpointed),
    duration(one.duration),
  ])
  return columns([['shard', 'delivered', 'acknowledged', 'checkpointed', 'duration'], ...rows])
}

/** The sentence under the table. */
export function summarySentence(progress: readonly ShardProgress[]): string {
  const sum = (of: (one: ShardProgress) => number): number =>
    progress.reduce((total, one) => total + of(one), 0)
  const total = sum((one) => one.total)
  const acknowledged = sum((one) => one.acknowledged)
  const checkpointed = sum((one) => one.checkpointed)
  const over = `over ${progress.length} ${progress.length === 1 ? 'shard' : 'shards'}`
  const records = total === 1 ? 'record' : 'records'
  if (acknowledged === checkpointed) {
    return `${count(acknowledged)} of ${count(total)} ${records} acknowledged and checkpointed ${over}`
  }
  return `${count(acknowledged)} of ${count(total)} ${records} acknowledged, ${count(checkpointed)} checkpointed, ${over}`
}

/** One finding, as a paragraph: where, what was expected, what came, and what the real daemon would do. */
export function findingLines(finding: Finding, lastWords: readonly string[]): string[] {
  const during = finding.action === null ? 'between two actions' : `during ${finding.action}`
  const lines = [
    `${finding.shardId}, ${during} (${finding.kind}):`,
    `  expected         ${finding.expected}`,
    `  came             ${finding.came}`,
    `  the real daemon  ${finding.daemon}`,
  ]
  if (lastWords.length === 0) return [...lines, '  standard error   nothing']
  return [...lines, '  standard error, the last lines:', ...lastWords.map((line) => `    ${line}`)]
}

/** A whole number, with commas. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** Milliseconds in words: `850 ms`, `4.2 s`, `3 min 5 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`
  return `${Math.floor(milliseconds / 60_000)} min ${Math.floor((milliseconds % 60_000) / 1000)} s`
}

// The first column to the left, the others to the right.
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  '),
  )
}
