// The shards of a worker in lines for people: the block under the log on a terminal, and one line elsewhere.

import type { ShardView, WorkerView } from '../children/worker-view.ts'
import { columns, count, duration, plural } from '../daemon/watch/report.ts'
import type { LiveLine, Style } from './display.ts'

/** The block: the shard to look at first on top, as many as `rows` allow, and the totals with the page's address. */
export function tableLines(worker: WorkerView, rows: number, url: string | null): LiveLine[] {
  const shards = worker.shards.filter(({ state }) => state !== 'gone')
  const total = [summaryOf(worker), ...(url === null ? [] : [url])].join(' · ')
  if (shards.length === 0) return ['', total]
  const shown = shards.slice(0, Math.max(1, rows - 6))
  const [header = '', ...lines] = columns(
    [
      ['shard', 'state', 'lag', 'records/s', 'in hand', 'stored', 'not stored'],
      ...shown.map((shard) => [
        shard.shard,
        shard.fallingBehind ? `${shard.state}, falling behind` : shard.state,
        time(shard.lag),
        count(shard.recordsPerSecond),
        inHand(shard),
        shard.storedAge === null ? '-' : `${time(shard.storedAge)} ago`,
        count(shard.unstored),
      ]),
    ],
    2,
  )
  const rest = shards.slice(shown.length)
  const unwell = rest.filter(({ state }) => STYLES[state] !== undefined).length
  return [
    '',
    { style: 'faint', text: header },
    ...lines.map((text, at): LiveLine => {
      const style = styleOf(shown[at])
      return style === undefined ? text : { style, text }
    }),
    ...(rest.length > 0
      ? [`… and ${count(rest.length)} more, ${unwell === 0 ? 'all well' : `${unwell} of them not well`}`]
      : []),
    total,
  ]
}

/** All shards in one line: `4 shards, 1,204 records/s, worst lag 12.0 s (shardId-…3), 3 checkpoints`. */
export function summaryOf({ shards, totals }: WorkerView): string {
  const present = shards.filter(({ state }) => state !== 'gone')
  const rate = present.reduce((sum, { recordsPerSecond }) => sum + recordsPerSecond, 0)
  const worst = present.reduce<ShardView | null>(
    (most, shard) => ((shard.lag ?? -1) > (most?.lag ?? -1) ? shard : most),
    null,
  )
  const unwell = present.filter(({ state }) => STYLES[state] !== undefined)
  return [
    plural(present.length, 'shard'),
    `${count(rate)} records/s`,
    ...(worst === null ? [] : [`worst lag ${time(worst.lag)} (${worst.shard})`]),
    plural(totals.counts.checkpoints, 'checkpoint'),
    ...unwell.map(({ shard, state }) => `${shard} is ${state}`),
  ].join(', ')
}

function inHand({ batch, action, actionAge }: ShardView): string {
  if (action === null) return '-'
  const what = batch === null ? action : `${count(batch.finished)} of ${count(batch.size)}`
  return actionAge === null ? what : `${what}, ${time(actionAge)}`
}

function time(seconds: number | null): string {
  return seconds === null ? '-' : duration(seconds * 1000)
}

function styleOf(shard: ShardView | undefined): Style | undefined {
  if (shard === undefined) return undefined
  return STYLES[shard.state] ?? (shard.fallingBehind ? 'notable' : undefined)
}

/** How the states that need somebody look. */
export const STYLES: Readonly<Partial<Record<ShardView['state'], Style>>> = {
  stuck: 'bad',
  silent: 'bad',
  slow: 'notable',
  starving: 'notable',
  unreported: 'notable',
}
