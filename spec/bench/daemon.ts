// The real daemon on the local stack: a loop over `batch.records` against a child that acknowledges and does nothing else.
// All runs read the same records from TRIM_HORIZON, each as an application of its own, by turns. The daemon with all its
// defaults sets the pace: it reads a shard five times a second at the most, while the child is at work.

import { existsSync, readFileSync } from 'node:fs'
import { aggregate } from '../e2e/aggregate.ts'
import { fixture, Stack, until, type World, whyNot } from '../e2e/stack.ts'
import type { Scope } from '../helpers/command.ts'
import { median } from './rounds.ts'

/** What comes of a child on the real daemon. */
export interface OnDaemon {
  /** Microseconds per record, of wall time: the child waits for the daemon for most of it. */
  readonly wall: number
  readonly recordsPerSecond: number
}

/** The child that only acknowledges. */
export const ACKNOWLEDGING = 'acknowledging'

/** The consumers of both. */
export const CHILDREN: Readonly<Record<string, string>> = {
  [ACKNOWLEDGING]: fixture('../bench/consumers/acknowledging.js'),
  'batch.records': fixture('../bench/consumers/on-daemon.js'),
}

const STREAM = 'bench'
// The local Kinesis is slow at many records, and at many bytes: these are of the KPL, so many in one of Kinesis.
const STORED = 200
const EACH = 500
const BYTES = 20
// How many of Kinesis the daemon fetches at once: 10,000 of the KPL.
const PAGE = 20

/** Measures both, so many times; nothing where the real daemon cannot be had. */
export async function measureDaemon(
  rounds: number,
  tell: (text: string) => void,
): Promise<Record<string, OnDaemon>> {
  const undone: (() => void)[] = []
  const scope: Scope = { after: (undo) => void undone.unshift(undo) }
  const stack = await startStack(tell)
  if (stack === null) return {}
  try {
    const times = new Map(Object.keys(CHILDREN).map((child): [string, number[]] => [child, []]))
    await (await stack.world(scope, STREAM, 1)).put(stored())
    for (let round = 0; round < rounds; round += 1) {
      for (const [child, own] of round % 2 === 0 ? times : [...times].toReversed()) {
        own.push(await run(await stack.world(scope, STREAM, 1, `${child}-${round}`), child))
      }
    }
    const figures = [...times].map(([child, own]): [string, OnDaemon] => {
      const wall = median(own)
      return [child, { wall, recordsPerSecond: 1e6 / wall }]
    })
    return Object.fromEntries(figures)
  } finally {
    for (const undo of undone) undo()
    await stack.stop()
  }
}

async function startStack(tell: (text: string) => void): Promise<Stack | null> {
  let reason = await whyNot()
  try {
    if (reason === false) return await Stack.start()
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error)
  }
  tell(`Without the real daemon: ${reason}\n`)
  return null
}

function* stored(): Generator<{ partitionKey: string; data: Buffer }> {
  for (let at = 0; at < STORED; at += 1) {
    const partitionKey = at === STORED - 1 ? 'last' : `key ${at}`
    const texts = Array.from({ length: EACH }, (_, of) => `${at} ${of}`.padEnd(BYTES, '.'))
    yield { partitionKey, data: aggregate(partitionKey, texts) }
  }
}

// Microseconds per record, from the end of the first batch to that of the last: what comes before is the daemon's start.
async function run(world: World, child: string): Promise<number> {
  const worker = world.run({
    flags: ['--protocol=stdio', `--max-records=${PAGE}`],
    command: [process.execPath, CHILDREN[child] ?? ''],
  })
  await until('all records were done', worker, () => batchesIn(world.out).at(-1)?.last === true)
  worker.child.kill('SIGTERM')
  await worker.ended
  const times = batchesIn(world.out).map(({ time }) => time)
  return (((times.at(-1) ?? Number.NaN) - (times[0] ?? Number.NaN)) / ((STORED - PAGE) * EACH)) * 1000
}

/** What a child has written down: when each batch was done, in milliseconds, and which was the last. */
export function batchesIn(file: string): { time: number; last: boolean }[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as { time: number; last: boolean })
}
