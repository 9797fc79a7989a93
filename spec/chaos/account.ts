// The account of a chaos run: what was put against what was seen, stored and left. Pure. Every line of evidence counts:
// one that is missing or late shows as a loss, a disorder, or a checkpoint above what was seen.

import { checkpointsOf } from './checkpoints.ts'
import type { Evidence, Happening, Note, Put, Sight } from './evidence.ts'

/** Something that must not be. */
export interface Problem {
  readonly kind: string
  readonly text: string
  /** When it came to pass, for the event that it is booked on. */
  readonly at: number
}

/** One event of the round, with what it came to. */
export interface Row extends Happening {
  /** The longest time that any key was not consumed, in milliseconds. */
  readonly pause: number
  readonly twice: number
  readonly lost: number
  readonly disorder: number
}

/** The whole account. */
export interface Account {
  readonly put: number
  readonly seen: number
  readonly twice: number
  readonly skipped: number
  readonly lost: number
  readonly problems: readonly Problem[]
  readonly rows: readonly Row[]
}

/** A record and its story. */
export interface Known extends Put {
  readonly order: bigint
  /** When it was first seen; never is infinite. */
  first: number
  times: number
}

/** Draws up the account. */
export function account(evidence: Evidence): Account {
  const problems: Problem[] = []
  const report = (kind: string, text: string, at: number): void => {
    problems.push({ kind, text, at })
  }
  const records = new Map<string, Known>()
  for (const put of evidence.puts) {
    records.set(nameOf(put), {
      ...put,
      order: BigInt(put.sequence),
      first: Number.POSITIVE_INFINITY,
      times: 0,
    })
  }
  for (const [file, notes] of evidence.consumers) checkProcess(file, notes, records, report)
  const sights = [...evidence.consumers.values()]
    .flat()
    .filter(isSight)
    .filter((sight) => records.has(nameOf(sight)))
    .sort((one, other) => one.at - other.at)
  const twice = checkFirstSights(sights, records, report)
  const lost = [...records.values()].filter(({ times }) => times === 0)
  for (const put of lost) report('lost', `${nameOf(put)} of ${put.shard} was never seen`, put.at)
  for (const problem of checkpointsOf(evidence, [...records.values()])) problems.push(problem)
  for (const process of evidence.leftBehind) report('left behind', process, Number.POSITIVE_INFINITY)
  const rows = rowsOf(evidence.happenings, [...records.values()], twice, problems)
  for (const { kind, pause, bound, from } of rows) {
    if (pause > bound) report('pause', `${kind}: ${seconds(pause)} s, the bound is ${seconds(bound)} s`, from)
  }
  return {
    put: records.size,
    seen: sights.length,
    twice: twice.length,
    skipped: sights.filter(({ is }) => is === 'skipped').length,
    lost: lost.length,
    problems,
    rows,
  }
}

type Report = (kind: string, text: string, at: number) => void

// One process sees one shard: its records as they were put, by rising sequence number, each key without a gap.
function checkProcess(
  file: string,
  notes: readonly Note[],
  records: Map<string, Known>,
  report: Report,
): void {
  const last = new Map<string, number>()
  for (const note of notes) {
    if (!isSight(note)) continue
    const put = records.get(nameOf(note))
    const before = last.get(note.key)
    if (put === undefined) report('never put', `${file}: ${nameOf(note)}`, note.at)
    else if (put.shard !== note.shard || put.sequence !== note.sequence) {
      report('identity', `${file}: ${nameOf(note)} came as ${note.shard} ${note.sequence}`, note.at)
    }
    if (before !== undefined && note.n <= before)
      report('order', `${file}: ${nameOf(note)} after ${before}`, note.at)
    if (before !== undefined && note.n > before + 1)
      report('gap', `${file}: ${nameOf(note)} after ${before}`, note.at)
    last.set(note.key, note.n)
  }
}

// The first sights of a key are in the order of its puts, whatever process they fall to. Gives the later sights.
function checkFirstSights(sights: readonly Sight[], records: Map<string, Known>, report: Report): Sight[] {
  const highest = new Map<string, number>()
  return sights.filter((sight) => {
    const record = records.get(nameOf(sight))
    if (record === undefined) return false
    record.times += 1
    if (record.times > 1) return true
    record.first = sight.at
    const before = highest.get(sight.key) ?? -1
    if (sight.n < before) report('order', `${nameOf(sight)} was first seen after ${before}`, sight.at)
    else highest.set(sight.key, sight.n)
    return false
  })
}

function rowsOf(
  happenings: readonly Happening[],
  records: readonly Known[],
  twice: readonly Sight[],
  problems: readonly Problem[],
): Row[] {
  const firsts = new Map<string, number[]>()
  for (const { key, first } of records) {
    if (first === Number.POSITIVE_INFINITY) continue
    firsts.set(key, [...(firsts.get(key) ?? []), first])
  }
  for (const times of firsts.values()) times.sort((one, other) => one - other)
  return happenings.map((happening, index) => {
    const until = happenings[index + 1]?.from ?? Number.POSITIVE_INFINITY
    const within = ({ at }: { readonly at: number }): boolean => at >= happening.from && at < until
    const during = problems.filter(within)
    const pauses = [...firsts.values()].map((times) => longestPause(times, happening.from, happening.to))
    return {
      ...happening,
      pause: Math.max(0, ...pauses) / 1000,
      twice: twice.filter(within).length,
      lost: during.filter(({ kind }) => kind === 'lost').length,
      disorder: during.filter(({ kind }) => kind === 'order' || kind === 'gap').length,
    }
  })
}

// Between two first sights of one key, as far as it lies in the time of the event.
function longestPause(times: readonly number[], from: number, to: number): number {
  let longest = 0
  for (const [index, time] of times.entries()) {
    const before = times[index - 1]
    if (before === undefined || time <= from || before >= to) continue
    longest = Math.max(longest, time - Math.max(before, from))
  }
  return longest
}

function isSight(note: Note): note is Sight {
  return note.is === 'record' || note.is === 'skipped'
}

function nameOf({ key, n }: { readonly key: string; readonly n: number }): string {
  return `${key} ${n}`
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1)
}
