// One round of chaos: everything is started, one event after the other happens, everything is stopped; what is left is
// evidence in the folder.

import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { seeded } from '../../lib/daemon/faults/random.ts'
import { firstWorkerIdentifier } from '../../lib/launcher/machine/identity.ts'
import { localProperties } from '../../lib/local/local-properties.ts'
import { seed as seedTables } from '../../lib/local/seed.ts'
import { REGION, startEmulators } from './emulator.ts'
import { EVENTS, FAILOVER, type Times } from './events.ts'
import { type Happening, now } from './evidence.ts'
import { commandOf, processesOf } from './processes.ts'
import { Producer } from './producer.ts'
import type { Stage } from './stage.ts'
import { until } from './until.ts'
import type { Variant } from './variants.ts'
import { Watcher } from './watcher.ts'
import { Worker } from './worker.ts'

/** What to do in a round. */
export interface RoundOptions {
  /** An empty folder. */
  readonly folder: string
  readonly seed: number
  readonly variant: Variant
  /** The names of the events, in their order. */
  readonly events: readonly string[]
  /** No event begins after so many milliseconds. */
  readonly time: number
  readonly shards: number
  readonly keys: number
  /** Records a second. */
  readonly rate: number
  /** Do not wait for one event to be over before the next. */
  readonly overlap: boolean
  readonly restart: boolean
  readonly say: (text: string) => void
}

/** Plays a round; rejects where the stage itself breaks down. Whatever happens, its processes are gone afterwards. */
export async function playRound(options: RoundOptions): Promise<void> {
  const { folder } = options
  mkdirSync(join(folder, 'seen'))
  for (const file of ['events.ndjson', 'left-behind.ndjson']) writeFileSync(join(folder, file), '')
  try {
    const stage = await setStage(options)
    stage.workers[0].up()
    await until('the first record is seen', () => stage.watcher.hasSeen(new Map([['k0', 0]])), PATIENCE)
    await playEvents(stage, options)
    await strike(stage)
    const services = new Set([stage.kinesis, stage.dynamoDB].map(({ pid }) => pid))
    for (const pid of processesOf(folder).filter((one) => !services.has(one))) {
      appendFileSync(
        join(folder, 'left-behind.ndjson'),
        `${JSON.stringify(`${pid} ${commandOf(pid).join(' ')}`)}\n`,
      )
    }
  } finally {
    await clearStage(folder)
  }
}

/** Ends every process of a run. */
export async function clearStage(folder: string): Promise<void> {
  // One that forks while it is killed is found by the next look.
  for (let left = processesOf(folder); left.length > 0; left = processesOf(folder)) {
    for (const pid of left) kill(pid)
    await pause(100)
  }
}

async function setStage({
  folder,
  seed,
  variant,
  shards,
  keys,
  rate,
  restart,
}: RoundOptions): Promise<Stage> {
  const { kinesis, dynamoDB } = await startEmulators(folder)
  const [stream, applicationName] = ['chaos', `chaos-${process.pid}-${now()}`]
  const names = {
    streamName: stream,
    applicationName,
    region: REGION,
    kinesisEndpoint: kinesis.endpoint,
    dynamoDBEndpoint: dynamoDB.endpoint,
  }
  await seedTables({ ...names, shards, leaseOwner: firstWorkerIdentifier() })
  writeFileSync(join(folder, 'app.properties'), localProperties(names))
  const setting = { folder, variant, restart }
  return {
    folder,
    stream,
    kinesis,
    dynamoDB,
    workers: [new Worker('A', setting), new Worker('B', setting)],
    producer: new Producer({ kinesis: kinesis.call, stream, folder, keys, rate }),
    watcher: new Watcher(dynamoDB.call, applicationName, folder),
    random: seeded(seed, 'events'),
  }
}

async function playEvents(stage: Stage, options: RoundOptions): Promise<void> {
  const end = performance.now() + options.time
  let before = 0
  for (const kind of options.events) {
    if (performance.now() > end) {
      options.say(`The time is up before ${kind}.`)
      return
    }
    const event = EVENTS[kind]
    if (event === undefined) throw new Error(`There is no event ${kind}.`)
    await pause(SETTLE * (0.5 + stage.random()))
    const from = now()
    options.say(`${kind} …`)
    const detail = await event.happen(stage)
    if (!options.overlap) await consumedAgain(stage, kind)
    const to = now()
    const bound = event.bound(timesOf(stage))
    const happening: Happening = {
      kind,
      detail,
      from,
      to,
      bound: before + bound,
      firstLine: firstLine(stage, from, to),
    }
    appendFileSync(join(options.folder, 'events.ndjson'), `${JSON.stringify(happening)}\n`)
    // One that is not over yet holds up the next.
    if (options.overlap) before += bound
    options.say(`${kind}: ${detail}; over after ${((to - from) / 1e6).toFixed(1)} s`)
  }
}

// A start takes what it takes on a machine that is busy with other things, up to a limit: a daemon that waits for the
// lock of a dead one is not a slow machine.
function timesOf({ workers }: Stage): Times {
  const slowest = Math.max(...workers.map(({ slowestStart }) => slowestStart))
  return { start: Math.min(slowest, LONGEST_START), failover: FAILOVER }
}

// A record of every key that was put after the event is seen: those of children too.
async function consumedAgain({ producer, watcher }: Stage, after: string): Promise<void> {
  // The turn in hand may have begun before.
  const goal = new Map([...producer.stored].map(([key, n]) => [key, n + 2]))
  await until(`every key is consumed again after ${after}`, () => watcher.hasSeen(goal), PATIENCE)
}

// The end: the producer stops, all is seen, the workers stop in good order.
async function strike(stage: Stage): Promise<void> {
  await stage.producer.stop()
  await until('all is seen', () => stage.watcher.hasSeen(stage.producer.stored), PATIENCE)
  for (const worker of stage.workers.toReversed()) await worker.down()
  await stage.watcher.stop()
}

// What the launchers said first of an event, apart from the comings and goings of consumers.
function firstLine({ workers }: Stage, from: number, to: number): string {
  const lines = workers
    .flatMap((worker) => worker.lines)
    .filter(({ at, text }) => at >= from && at <= to && TELLING.test(text) && !ROUTINE.test(text))
    .sort((one, other) => one.at - other.at)
  return lines[0]?.text.replace(PREFIX, '') ?? ''
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}

const TELLING = /\b(INFO|WARN|ERROR)\b/
const ROUTINE = /consumer \d+ (started|has ended)|kcl-session: Starting /
const PREFIX = /^.*?\b(?=(INFO|WARN|ERROR)\b)/
const SETTLE = 3000
const LONGEST_START = 30_000
const PATIENCE = 300_000
