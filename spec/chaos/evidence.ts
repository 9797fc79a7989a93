// What a chaos run leaves behind in its folder, one JSON object a line, and the way to read it. All times are
// microseconds of the machine's monotonic clock, which every process shares. A half line at the end of a file is what
// a kill -9 leaves, and is no evidence.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A record as it was put: the `n`th of its key. */
export interface Put {
  readonly at: number
  readonly key: string
  readonly n: number
  readonly shard: string
  readonly sequence: string
}

/** What a consumer writes down, before it lets go of what it writes of. */
export type Note =
  | { readonly is: 'process'; readonly at: number; readonly pid: number; readonly worker: string }
  | { readonly is: 'begin'; readonly at: number; readonly shard: string; readonly from: string }
  | Sight
  | { readonly is: 'stored'; readonly at: number; readonly sequence: string }

/** A record that was seen, or skipped on purpose. */
export interface Sight {
  readonly is: 'record' | 'skipped'
  readonly at: number
  readonly shard: string
  readonly sequence: string
  readonly key: string
  readonly n: number
}

/** The lease table at one moment. */
export interface Snapshot {
  readonly at: number
  readonly leases: readonly {
    readonly shard: string
    readonly checkpoint: string
    readonly owner: string | null
  }[]
}

/** An event of the round: from its first moment until every key was consumed again. */
export interface Happening {
  readonly kind: string
  readonly detail: string
  readonly from: number
  readonly to: number
  /** The longest pause that is in order, in milliseconds. */
  readonly bound: number
  readonly firstLine: string
}

/** All that a run left. */
export interface Evidence {
  readonly puts: readonly Put[]
  /** By the file of each consumer. */
  readonly consumers: ReadonlyMap<string, readonly Note[]>
  readonly snapshots: readonly Snapshot[]
  readonly happenings: readonly Happening[]
  /** Processes of the run that outlived it. */
  readonly leftBehind: readonly string[]
}

/** The machine's monotonic clock in microseconds. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** Reads the folder of a run. */
export function readEvidence(folder: string): Evidence {
  const seen = join(folder, 'seen')
  return {
    puts: readLines<Put>(join(folder, 'puts.ndjson')),
    consumers: new Map(readdirSync(seen).map((file) => [file, readLines<Note>(join(seen, file))])),
    snapshots: readLines<Snapshot>(join(folder, 'leases.ndjson')),
    happenings: readLines<Happening>(join(folder, 'events.ndjson')),
    leftBehind: readLines<string>(join(folder, 'left-behind.ndjson')),
  }
}

/** The objects of a text, one a line, without a half one at its end. */
export function parseLines<T>(text: string): T[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T)
}

function readLines<T>(file: string): T[] {
  return parseLines<T>(readFileSync(file, 'utf8'))
}
