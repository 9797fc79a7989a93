// The checkpoints of a chaos run against its records: none is above what was seen by then, none goes back, none that
// was answered is lost, and a shard goes on right behind one. Pure.

import type { Known, Problem } from './account.ts'
import type { Evidence, Note } from './evidence.ts'

/** What is wrong with the checkpoints. */
export function checkpointsOf(evidence: Evidence, records: readonly Known[]): Problem[] {
  const shards = shardsOf(records)
  return [...inTheTable(evidence, shards), ...atTheStarts(evidence, shards)]
}

/** A shard's records in their order, each with the time when it and all before it had been seen. */
type Shard = readonly { readonly order: bigint; readonly seenBy: number }[]

function shardsOf(records: readonly Known[]): Map<string, Shard> {
  const shards = new Map<string, Known[]>()
  for (const record of records) {
    const list = shards.get(record.shard) ?? []
    list.push(record)
    shards.set(record.shard, list)
  }
  const inOrder = (list: Known[]): Shard => {
    let seenBy = 0
    list.sort((one, other) => (one.order < other.order ? -1 : 1))
    return list.map(({ order, first }) => {
      seenBy = Math.max(seenBy, first)
      return { order, seenBy }
    })
  }
  return new Map([...shards].map(([name, list]) => [name, inOrder(list)]))
}

function* inTheTable({ snapshots }: Evidence, shards: Map<string, Shard>): Generator<Problem> {
  const last = new Map<string, bigint>()
  for (const { at, leases } of snapshots) {
    for (const { shard, checkpoint } of leases) {
      const rank = rankOf(checkpoint)
      const before = last.get(shard)
      if (isAboveSeen(shards.get(shard) ?? [], rank, at)) {
        yield { kind: 'checkpoint above what was seen', text: `${shard} at ${checkpoint}`, at }
      }
      if (before !== undefined && rank < before) {
        yield { kind: 'checkpoint went back', text: `${shard} from ${before} to ${checkpoint}`, at }
      }
      last.set(shard, rank)
    }
  }
}

function* atTheStarts({ consumers }: Evidence, shards: Map<string, Shard>): Generator<Problem> {
  const lives = [...consumers].map(([file, notes]) => ({ file, notes, begin: notes.find(isBegin) }))
  for (const { file, begin } of lives) {
    if (begin === undefined) continue
    const { shard, from, at } = begin
    const rank = rankOf(from)
    if (isAboveSeen(shards.get(shard) ?? [], rank, at)) {
      yield { kind: 'start above what was seen', text: `${file} begins ${shard} at ${from}`, at }
    }
    for (const other of lives) {
      if (other.begin?.shard !== shard) continue
      const above = other.notes.find(
        (note) => note.is === 'stored' && note.at < at && rankOf(note.sequence) > rank,
      )
      if (above !== undefined) {
        yield {
          kind: 'checkpoint lost',
          text: `${file} begins ${shard} at ${from}, below what ${other.file} stored`,
          at,
        }
        break
      }
    }
  }
}

function isAboveSeen(shard: Shard, rank: bigint, at: number): boolean {
  // How many records the checkpoint covers, by halves.
  let [covered, beyond] = [0, shard.length]
  while (covered < beyond) {
    const middle = (covered + beyond) >> 1
    if ((shard[middle]?.order ?? 0n) <= rank) covered = middle + 1
    else beyond = middle
  }
  return (shard[covered - 1]?.seenBy ?? 0) > at
}

function isBegin(note: Note): note is Note & { is: 'begin' } {
  return note.is === 'begin'
}

// The end of a shard is behind every record; where nothing is stored yet, everything is in front.
function rankOf(checkpoint: string): bigint {
  if (checkpoint === 'SHARD_END') return 10n ** 60n
  return /^\d+$/.test(checkpoint) ? BigInt(checkpoint) : -1n
}
