// What a run comes to, in words and columns, for people.

import { SHARD_END, show } from '../conversation/checkpointer.ts'
import { type Finding, whenFound } from '../conversation/findings.ts'
import type { LeasePosition } from '../conversation/messages.ts'
import type { FaultTally } from '../faults/fault-plan.ts'
import type { Shard } from '../stream/stream.ts'
import type { AccountTotals } from './account.ts'
import type { ShardProgress } from './progress.ts'

/** The sums over all shards of a run. */
export interface RunTotals {
  readonly shards: number
  readonly total: number
  readonly delivered: number
  readonly acknowledged: number
  readonly checkpointed: number
}

export function runTotals(progress: readonly ShardProgress[]): RunTotals {
  const sum = (of: (one: ShardProgress) => number): number => progress.reduce((all, one) => all + of(one), 0)
  return {
    shards: progress.length,
    total: sum((one) => one.total),
    delivered: sum((one) => one.delivered),
    acknowledged: sum((one) => one.acknowledged),
    checkpointed: sum((one) => one.checkpointed),
  }
}

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
  const { shards, total, acknowledged, checkpointed } = runTotals(progress)
  const over = `over ${plural(shards, 'shard')}`
  const of = `${count(acknowledged)} of ${plural(total, 'record')} acknowledged`
  if (acknowledged === checkpointed) return `${of} and checkpointed ${over}`
  if (checkpointed === total) {
    return `${of} and all checkpointed ${over}: of ${count(total - acknowledged)} the checkpoint was stored, but no status came`
  }
  return `${of}, ${count(checkpointed)} checkpointed, ${over}`
}

/** What is stored for each shard, where a run was stopped in the middle. */
export function storedLines(
  progress: readonly ShardProgress[],
  positionOf: (shard: Shard) => LeasePosition,
): string[] {
  return progress.map((one) => {
    const position = positionOf(one.shard)
    if (!/^\d/.test(position.sequenceNumber)) {
      const ended = position.sequenceNumber === SHARD_END.sequenceNumber
      return `${one.shard.id}: ${ended ? 'stored to its end' : 'nothing is stored'}`
    }
    return `${one.shard.id}: ${count(one.checkpointed)} of ${plural(one.total, 'record')} stored, up to ${show(position)}`
  })
}

/** The account of every record, after a run with faults. */
export function accountLines(account: AccountTotals, consumers: number): string[] {
  const none = (value: number): string => (value === 0 ? 'none' : count(value))
  const often = account.deliveredAgain === 0 ? '' : ` (${count(account.mostDeliveries)} times at most)`
  const rows = [
    ['records', count(account.records)],
    ['consumers started', count(consumers)],
    ['delivered once', count(account.deliveredOnce)],
    ['delivered more often', count(account.deliveredAgain) + often],
    ['acknowledged', count(account.acknowledged)],
    ['checkpointed', count(account.checkpointed)],
    ['lost', none(account.lost)],
    ['out of order in their key', none(account.outOfOrder)],
    ['delivered again after a checkpoint', none(account.afterCheckpoint)],
  ]
  const width = Math.max(...rows.map(([name = '']) => name.length))
  return rows.map(([name = '', value = '']) => `${name.padEnd(width)}  ${value}`)
}

/** How often each fault has struck. */
export function faultLines(faults: readonly FaultTally[]): string[] {
  return columns([
    ['fault', 'struck'],
    ...faults.map(({ fault, struck }) => [
      fault.text,
      struck === 0 ? 'never' : `${count(struck)} ${struck === 1 ? 'time' : 'times'}`,
    ]),
  ])
}

/** A finding that the daemon takes no notice of, in a line; `why` says so, in one more. */
export function remarkLines(finding: Finding, why: boolean): string[] {
  const line = `remark: ${finding.shardId}, ${whenFound(finding)} (${finding.kind}): ${finding.came}`
  return why ? [line, `  the real daemon  ${finding.daemon}`] : [line]
}

/**
 * One finding, as a paragraph: where, what was expected, what came, and what the real daemon would do. What the consumer
 * wrote to standard error (`spoke`) was told when it came, and is not told again.
 */
export function findingLines(finding: Finding, spoke: boolean): string[] {
  return [
    `${finding.shardId}, ${whenFound(finding)} (${finding.kind}):`,
    `  expected         ${finding.expected}`,
    `  came             ${finding.came}`,
    `  the real daemon  ${finding.daemon}`,
    ...(finding.hint === undefined ? [] : [`  hint             ${finding.hint}`]),
    `  standard error   ${spoke ? 'see above' : 'nothing'}`,
  ]
}

/** A whole number, with commas. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A number of things: `1 shard`, `2 shards`. */
export function plural(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? '' : 's'}`
}

/** Milliseconds in words: `850 ms`, `4.2 s`, `3 min 5 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`
  return `${Math.floor(milliseconds / 60_000)} min ${Math.floor((milliseconds % 60_000) / 1000)} s`
}

/** Rows of cells, the first columns to the left and the others to the right. */
export function columns(rows: readonly (readonly string[])[], toTheLeft = 1): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, at) => (at < toTheLeft ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
