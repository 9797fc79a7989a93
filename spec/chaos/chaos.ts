// Chaos on the real daemon: `npm run chaos`. One round of all events in random order on a stack of its own, about ten
// minutes; then a table, and exit code 1 on loss, disorder, a checkpoint above what was seen, a process left behind, or
// a pause above its bound. Needs Linux, Java and Maven.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seeded } from '../../lib/daemon/faults/random.ts'
import { account } from './account.ts'
import { EVENTS } from './events.ts'
import { readEvidence } from './evidence.ts'
import { clearStage, playRound } from './round.ts'
import { tableOf } from './table.ts'
import { VARIANTS } from './variants.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '15' },
    variant: { type: 'string', default: 'iterate' },
    // A fixed sequence instead of a shuffled round; some events are in no round.
    events: { type: 'string' },
    shards: { type: 'string', default: '4' },
    keys: { type: 'string', default: '60' },
    rate: { type: 'string', default: '60' },
    overlap: { type: 'boolean', default: false },
    restart: { type: 'boolean', default: false },
  },
})

const seed = whole('seed')
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
  time: whole('minutes') * 60_000,
  shards: whole('shards'),
  keys: whole('keys'),
  rate: whole('rate'),
  overlap: values.overlap,
  restart: values.restart,
  say: (text) => console.log(text),
})
const drawn = account(readEvidence(folder))
console.log(`\n${tableOf(drawn)}`)
process.exitCode = drawn.problems.length === 0 ? 0 : 1

function whole(name: 'seed' | 'minutes' | 'shards' | 'keys' | 'rate'): number {
  const number = Number(values[name])
  return Number.isSafeInteger(number) && number > 0
    ? number
    : refuse(`--${name}=${values[name]}: give a whole number from 1.`)
}

function refuse(text: string): never {
  console.error(text)
  process.exit(2)
}

function shuffled(names: readonly string[]): string[] {
  const random = seeded(whole('seed'), 'order')
  return names
    .map((name) => ({ name, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ name }) => name)
}
