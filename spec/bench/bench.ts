// The benchmark: `npm run bench`. This process plays the daemon, and measures consumers that run as its children.
// `npm run bench -- --help` tells what there is to say.

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { scriptOptions, wholeNumber } from '../helpers/script-options.ts'
import { compared, keep, ratiosOf, worseThanBaseline } from './check.ts'
import { measureDaemon, type OnDaemon } from './daemon.ts'
import { type Handled, measureHandlers } from './handlers.ts'
import { plot } from './plot.ts'
import { type Kinds, profileMissed } from './profile.ts'
import {
  daemonTable,
  handlerTable,
  peakTable,
  profileTable,
  ratioTable,
  shardTable,
  startTable,
  stepTable,
  targetTable,
  timeTable,
} from './report.ts'
import { type Starting, starting, type Throughput, throughput } from './results.ts'
import { type Effort, measure } from './rounds.ts'
import { BATCH_SIZES, RECORD_SIZES, SHAPES, type Shape } from './shapes.ts'
import { measureOneProcess, measureShards, SHARDS, type Shards } from './shards.ts'
import { measureStarts } from './start.ts'
import { FLOOR, ONE_PROCESS, pythonStyles, STYLES, type Style, startSteps } from './styles.ts'
import { costsOf, REST, type Reached, reached, START, TARGETS } from './targets.ts'

const HELP = `npm run bench -- [PART…] [OPTIONS]

Parts: shapes, starts, growth, shards, handlers, daemon (with Java and Maven); all of them when none is named.
After the tables: which targets (spec/bench/targets.ts) are met, and where the time goes at each speed
and in a start that is missed.

  --quick           few and short rounds: a first impression
  --rounds=N        rounds of each measurement (default: 7, or 3 with --quick)
  --shape=TEXT      only shapes whose name contains this; again for more
  --style=TEXT      only styles whose name contains this, and the floor; again for more
  --json=FILE       all figures
  --svg=FILE        the plot of the README
  --check           exit 1 when a ratio is worse than the one in spec/bench/baseline.json
  --keep            make these ratios the baseline
`

const { values, named: parts } = scriptOptions(
  HELP,
  {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    shape: { type: 'string', multiple: true, default: [] },
    style: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    svg: { type: 'string' },
    check: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
  ['shapes', 'starts', 'growth', 'shards', 'handlers', 'daemon'],
)

const QUICK: Effort = { warmUp: 1000, measure: 300, rounds: 3, starts: 7 }
const FULL: Effort = { warmUp: 1200, measure: 600, rounds: 7, starts: 25 }

await bench()

async function bench(): Promise<void> {
  const usual = values.quick ? QUICK : FULL
  const rounds = values.rounds === undefined ? usual.rounds : wholeNumber('rounds', values.rounds)
  const effort = { ...usual, rounds }
  const tell = (text: string): void => void process.stdout.write(`${text}\n`)
  const wants = (part: string): boolean => parts.length === 0 || parts.includes(part)
  const named = ({ name }: Style): boolean =>
    values.style.length === 0 || name === FLOOR.name || values.style.some((text) => name.includes(text))
  const ours = STYLES.filter(named)
  const styles = [
    ...ours,
    ...(values.style.length === 0 || values.style.includes('kclpy') ? pythonStyles(tell) : []),
  ]
  tell(`Node ${process.version}, ${cpus()[0]?.model}, ${effort.rounds} rounds\n`)

  const shapes = wants('shapes') ? await rows(SHAPES, styles, effort) : {}
  if (wants('shapes')) tell(`${ratioTable(shapes)}\n\n${timeTable(shapes)}\n\n${peakTable(shapes)}\n`)

  const starts = wants('starts') ? starting(await measureStarts(styles, effort)) : {}
  if (wants('starts')) tell(`${startTable(starts)}\n`)

  const sizes = [...BATCH_SIZES, ...RECORD_SIZES]
  const growth = wants('growth')
    ? await rows(sizes, ours, { ...effort, rounds: Math.min(3, effort.rounds) })
    : {}
  if (wants('growth')) tell(`${timeTable(growth)}\n\n${peakTable(growth)}\n`)

  const shards: Record<string, Record<string, Shards>> = {}
  if (wants('shards')) {
    for (const count of SHARDS) {
      const row: Record<string, Shards> = {}
      for (const style of ours) row[style.name] = await measureShards(style, count, effort)
      row[ONE_PROCESS.name] = await measureOneProcess(count, effort)
      shards[count] = row
    }
    tell(`${shardTable(shards)}\n`)
  }

  const handlers = wants('handlers') ? await measureHandlers(Math.min(5, effort.rounds)) : {}
  if (wants('handlers')) tell(`${handlerTable(handlers)}\n`)

  const daemon = wants('daemon') ? await measureDaemon(Math.min(5, effort.rounds), tell) : {}
  if (Object.keys(daemon).length > 0) tell(`${daemonTable(daemon)}\n`)

  const targets = reached(TARGETS, costsOf(shapes, starts, daemon))
  if (targets.length > 0) tell(`${targetTable(targets)}\n`)

  const profiles = await profileMissed(targets, effort.warmUp)
  for (const [shape, row] of Object.entries(profiles)) tell(`${profileTable(shape, row)}\n`)

  const slow = targets.some(({ row, met }) => (row === START || row === REST) && !met)
  const steps = slow ? starting(await measureStarts(startSteps(), effort)) : {}
  if (slow) tell(`${stepTable(steps)}\n`)

  const { version: node } = process
  finish({ node, shapes, starts, growth, shards, handlers, daemon, targets, profiles, steps }, tell)
}

interface Results {
  readonly node: string
  readonly shapes: Record<string, Record<string, Throughput>>
  readonly starts: Record<string, Starting>
  readonly growth: Record<string, Record<string, Throughput>>
  readonly shards: Record<string, Record<string, Shards>>
  readonly handlers: Record<string, Handled>
  readonly daemon: Record<string, OnDaemon>
  readonly targets: readonly Reached[]
  readonly profiles: Record<string, Record<string, Kinds>>
  readonly steps: Record<string, Starting>
}

async function rows(
  shapes: readonly Shape[],
  styles: readonly Style[],
  effort: Effort,
): Promise<Record<string, Record<string, Throughput>>> {
  const table: Record<string, Record<string, Throughput>> = {}
  for (const shape of shapes) {
    if (values.shape.length > 0 && !values.shape.some((text) => shape.name.includes(text))) continue
    table[shape.name] = throughput(await measure(styles, shape, effort))
  }
  return table
}

function finish(results: Results, tell: (text: string) => void): void {
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
  if (values.svg !== undefined) writeFileSync(values.svg, plot(results.shapes, results.node))
  const ratios = ratiosOf(results.shapes, results.starts)
  if (values.keep) keep(ratios)
  if (!values.check) return
  const worse = worseThanBaseline(ratios)
  const count = compared(ratios)
  tell(`${count} ratios compared with the baseline, ${worse.length} worse.`)
  for (const sentence of worse) tell(sentence)
  if (worse.length > 0 || count === 0) process.exitCode = 1
}
