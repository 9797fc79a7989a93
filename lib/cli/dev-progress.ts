// How far a run is, in lines: one for each shard on a terminal, one for all elsewhere.

import type { ShardProgress } from '../daemon/watch/progress.ts'
import { columns, count, duration, plural, runTotals } from '../daemon/watch/report.ts'
import type { LiveLine } from './display.ts'

/** Keeps what is needed to tell a rate: when there was less, and how much. */
export class Rates {
  readonly #last = new Map<string, Sample>()
  readonly #start: number

  /** `start`: when there was nothing yet, in milliseconds. */
  constructor(start: number) {
    this.#start = start
  }

  /**
   * Records a second, over the last second, or, where records come more slowly, over the time that the last ones took;
   * null while none has come. `now` in milliseconds.
   */
  rate(name: string, value: number, now: number): number | null {
    const last = this.#last.get(name) ?? { at: this.#start, value: 0, rate: null, span: RATE_TIME }
    const elapsed = now - last.at
    if (value === last.value) {
      // What takes longer than the last time gets slower by the moment.
      return last.rate === null ? null : last.rate * Math.min(1, last.span / elapsed)
    }
    if (elapsed < RATE_TIME) return last.rate
    const rate = ((value - last.value) * 1000) / elapsed
    this.#last.set(name, { at: now, value, rate, span: elapsed })
    return rate
  }
}

interface Sample {
  readonly at: number
  readonly value: number
  readonly rate: number | null
  /** The time over which the rate was taken. */
  readonly span: number
}

/** The live lines: shard, records, rate, lag, age of the last checkpoint, action in hand and its age. */
export function liveLines(
  progress: readonly ShardProgress[],
  rates: Rates,
  now: number,
  rows: number,
): LiveLine[] {
  const open = progress.filter((one) => one.action !== null || one.endedAt === null)
  const shown = open.slice(0, Math.max(1, rows - 6))
  const [header = '', ...lines] = columns([
    ['', 'records', 'rate', 'lag', 'checkpoint', 'in hand'],
    ...shown.map((one) => [
      one.shard.id,
      `${count(one.acknowledged)}/${count(one.total)}`,
      inWords(rates.rate(one.shard.id, one.acknowledged, now)),
      one.millisBehindLatest === null ? '-' : duration(one.millisBehindLatest),
      one.checkpointSince === null ? 'none' : `${duration(now - one.checkpointSince)} ago`,
      one.action === null ? '-' : `${one.action} ${duration(now - one.actionSince)}`,
    ]),
  ])
  const rest = open.length - shown.length
  return [
    '',
    { style: 'faint', text: header },
    ...lines.map((text, at): LiveLine => {
      const one = shown[at]
      return one !== undefined && isSlow(one, now) ? { style: 'notable', text } : text
    }),
    ...(rest > 0 ? [`… and ${plural(rest, 'more shard')}`] : []),
    totalLine(progress, rates, now),
  ]
}

/** Whether an action has been in hand for long: the real daemon would not say a word. */
export function isSlow({ action, actionSince }: ShardProgress, now: number): boolean {
  return action !== null && now - actionSince >= SLOW
}

/** The shards that have an action in hand, and for how long. */
export function inHand(progress: readonly ShardProgress[], now: number): string {
  return progress
    .filter((one) => one.action !== null)
    .map((one) => `${one.shard.id} (${one.action} for ${duration(now - one.actionSince)})`)
    .join(', ')
}

/** One line for all shards. */
export function totalLine(progress: readonly ShardProgress[], rates: Rates, now: number): string {
  const { total, acknowledged, checkpointed } = runTotals(progress)
  const rate = inWords(rates.rate('', acknowledged, now))
  return `${count(acknowledged)} of ${plural(total, 'record')} acknowledged, ${count(checkpointed)} checkpointed, ${rate}`
}

// A slow handler's rate is told with a digit more, and not as none.
function inWords(rate: number | null): string {
  if (rate === null) return '-'
  return `${rate < 10 ? rate.toFixed(1) : count(rate)}/s`
}

// Milliseconds: over how long a rate is taken, at least, and when an action is slow.
const RATE_TIME = 1000
const SLOW = 10_000
