// Chaos on the real daemon: `npm run chaos`; `npm run chaos -- --help` tells what there is to say. One round of all events in random order on a stack of its own, about ten
// minutes; then a table, and exit code 1 on loss, disorder, a checkpoint above what was seen, a process left behind, or
// a pause above its bound. Needs Linux, Java and Maven.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seeded } from '../../lib/daemon/faults/random.ts'
import { refuse, scriptOptions, wholeNumber } from '../helpers/script-options.ts'
import { account } from './account.ts'
import { EVENTS } from './events.ts'
import { readEvidence } from './evidence.ts'
import { clearStage, playRound } from './round.ts'
import { tableOf } from './table.ts'
import { VARIANTS } from './variants.ts'

const HELP = `npm run chaos -- [OPTIONS]

The real daemon under kills, freezes, splits and lost tables; then a table of pauses. Exit code 1 on loss, disorder, a
checkpoint above what was seen, a process left behind, or a pause above its bound. Needs Linux, Java and Maven.

  --seed=N          the order of the events (default: 1)
  --variant=NAME    how the consumer works: ${VARIANTS.join(', ')} (default: iterate)
  --minutes=N       how long a round may take (default: 15)
  --events=A,B      these events in this order, instead of a shuffled round:
                    ${lines(Object.keys(EVENTS)).join('\n                    ')}
  --overlap         the next event comes before the last one is over
  --restart         the launcher starts the daemon again by itself
  --shards=N        shards at the start (default: 4)
  --keys=N          partition keys (default: 60)
  --rate=N          records a second (default: 60)
`
const { values } = scriptOptions(HELP, {
  seed: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '15' },
  variant: { type: 'string', default: 'iterate' },
  // Some events are in no round.
  events: { type: 'string' },
  shards: { type: 'string', default: '4' },
  keys: { type: 'string', default: '60' },
  rate: { type: 'string', default: '60' },
  overlap: { type: 'boolean', default: false },
  restart: { type: 'boolean', default: false },
})

const [seed, minutes, shards, keys, rate] = [
  wholeNumber('seed', values.seed),
  wholeNumber('minutes', values.minutes),
  wholeNumber('shards', values.shards),
  wholeNumber('keys', values.keys),
  wholeNumber('rate', values.rate),
]
const variant = VARIANTS.find((name) => name === values.variant)
if (variant === undefined) refuse(`--variant=${values.variant}: give one of ${VARIANTS.join(', ')}.`)
const events =
  values.events?.split(',') ?? shuffled(Object.keys(EVENTS).filter((name) => EVENTS[name]?.inRound))
const stray = events.find((name) => EVENTS[name] === undefined)
if (stray !== undefined)
  refuse(`--events: there is no ${stray}; there are ${Object.keys(EVENTS).join(', ')}.`)

const folder = mkdtempSync(join(tmpdir(), 'kcl-session-chaos-'))
console.log(`Seed ${seed}, variant ${variant}, evidence in ${folder}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void clearStage(folder).then(() => process.exit(130)))
}
await playRound({
  folder,
  seed,
  variant,
  events,
  time: minutes * 60_000,
  shards,
  keys,
  rate,
  overlap: values.overlap,
  restart: values.restart,
  say: (text) => console.log(text),
})
const drawn = account(readEvidence(folder))
console.log(`\n${tableOf(drawn)}`)
process.exitCode = drawn.problems.length === 0 ? 0 : 1

function shuffled(names: readonly string[]): string[] {
  const random = seeded(seed, 'order')
  return names
    .map((name) => ({ name, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ name }) => name)
}

function lines(names: readonly string[]): string[] {
  return (names.join(', ').match(/.{1,80}(?:, |$)/g) ?? []).map((line) => line.trimEnd())
}
