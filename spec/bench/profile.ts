// Where a style spends its time: Node's own profile of it while it works, summed up by the place that a sample hit.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { placed } from './processor.ts'
import { Worker } from './rounds.ts'
import { SHAPES, type Shape } from './shapes.ts'
import { STYLES, type Style } from './styles.ts'
import type { Reached } from './targets.ts'

/** The function that a sample hit; lines and columns count from 0. */
interface Frame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
  readonly columnNumber: number
}

/** What we read of a profile; times are microseconds of the clock that all processes of a machine share. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame }[]
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Microseconds per record, by kind of place. */
export type Kinds = Readonly<Record<string, number>>

// Milliseconds under the profile, after the warm-up; microseconds between its samples.
const TIME = 2000
const INTERVAL = 500

/** Profiles both sides of each missed target, shape by shape. */
export async function profileMissed(
  targets: readonly Reached[],
  warmUp: number,
): Promise<Record<string, Record<string, Kinds>>> {
  const table: Record<string, Record<string, Kinds>> = {}
  for (const shape of SHAPES) {
    const missed = targets.filter(({ row, met }) => row === shape.name && !met)
    const row: Record<string, Kinds> = {}
    for (const style of STYLES) {
      if (!missed.some(({ style: own, over }) => [own, over].includes(style.name))) continue
      row[style.name] = await placed(shape, () => profile(style, shape, warmUp, TIME))
    }
    if (missed.length > 0) table[shape.name] = row
  }
  return table
}

/** Profiles a style that works for so many milliseconds. */
export async function profile(style: Style, shape: Shape, warmUp: number, time: number): Promise<Kinds> {
  const folder = mkdtempSync(join(tmpdir(), 'kcl-session-bench-'))
  try {
    const [node = '', ...words] = style.command
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL}`]
    const worker = await Worker.start({ ...style, command: [node, ...flags, ...words] }, shape)
    await worker.deliverFor(warmUp)
    const from = now()
    const batches = await worker.deliverFor(time)
    const until = now()
    await worker.end()
    const [file = ''] = readdirSync(folder)
    const found = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
    const times = selfTimes(found, from, until)
    const records = batches * shape.records
    return Object.fromEntries(Object.entries(times).map(([kind, spent]) => [kind, spent / records]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The time at each kind of place between two moments, in microseconds; that in which there was nothing to do is left out. */
export function selfTimes(found: CpuProfile, from: number, until: number): Record<string, number> {
  const frames = new Map(found.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const kinds = new Map<number, string>()
  const times: Record<string, number> = {}
  let at = found.startTime
  found.samples.forEach((node, index) => {
    const spent = found.timeDeltas[index] ?? 0
    at += spent
    const frame = frames.get(node)
    if (at < from || at > until || frame === undefined || frame.functionName === '(idle)') return
    const kind = kinds.get(node) ?? kindOf(frame)
    kinds.set(node, kind)
    times[kind] = (times[kind] ?? 0) + spent
  })
  return times
}

// A source file of ours, a file of a package, a module of Node, or what has no file: a native function by its name, and
// what the profile itself puts in brackets.
function kindOf({ url, functionName, lineNumber, columnNumber }: Frame): string {
  if (url === '') return /^(\(|$)/.test(functionName) ? functionName || 'native' : `native ${functionName}`
  if (!url.startsWith('file:')) return url
  const map = sourceMapOf(`${fileURLToPath(url)}.map`)
  const entry = map?.findEntry(lineNumber, columnNumber)
  const file =
    entry !== undefined && 'originalSource' in entry ? new URL(entry.originalSource, url) : new URL(url)
  return relative(ROOT, fileURLToPath(file)).replaceAll('\\', '/')
}

function sourceMapOf(file: string): SourceMap | null {
  let map = maps.get(file)
  if (map === undefined) {
    map = existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : null
    maps.set(file, map)
  }
  return map
}

function now(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

const maps = new Map<string, SourceMap | null>()
const ROOT = join(import.meta.dirname, '../../..')
