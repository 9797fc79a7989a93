// A model-based test of the whole session: steps of a user and of a daemon, in any order that is possible, and what
// the session says is held against the promise (see world.ts). KCL_SEED repeats a run, and
// KCL_RUNS asks for more than the 300 of an ordinary one.

import { test } from 'node:test'
import fc from 'fast-check'
import {
  allOf,
  anyOf,
  type CheckpointPolicy,
  everyBatch,
  everyInterval,
  everyRecords,
  manual,
} from '../../lib/index.ts'
import { type ActionName, World } from './world.ts'

test('whatever user and daemon do, the session keeps its promise and every promise of its own', async (t) => {
  const seed = Number(process.env.KCL_SEED ?? Date.now() % 2 ** 31)
  const numRuns = Number(process.env.KCL_RUNS ?? 300)
  t.diagnostic(`KCL_SEED=${seed} KCL_RUNS=${numRuns}`)
  const unheard = (error: unknown): void => {
    throw error
  }
  process.on('unhandledRejection', unheard)
  // What a session says about the actions that it leaves is right, and long.
  const write = process.stderr.write.bind(process.stderr)
  t.mock.method(process.stderr, 'write', (text: string, ...rest: []) =>
    String(text).startsWith('kcl-session: ') ? true : write(text, ...rest),
  )
  t.after(() => process.off('unhandledRejection', unheard))
  let lines = 0
  const property = fc.asyncProperty(
    settings,
    fc.commands(steps, { maxCommands: 250, size: 'max' }),
    async (setting, commands) => {
      let world: World | undefined
      const setup = async (): Promise<{ model: World; real: World }> => {
        const { policy, warm, ...rest } = setting
        world = new World({ ...rest, policy: POLICIES[policy]?.() ?? everyBatch() })
        if (warm) await world.warmUp()
        return { model: world, real: world }
      }
      try {
        await fc.asyncModelRun(setup, commands)
        await world?.playOut()
      } finally {
        lines += world?.said ?? 0
        await world?.session.close()
      }
    },
  )
  await fc.assert(property, { seed, numRuns })
  t.diagnostic(`${lines} lines of the session were checked`)
})

/** A step that is taken where it is possible; without `settles`, the next one comes before anything else can happen. */
class Step implements fc.AsyncCommand<World, World> {
  readonly #name: string
  readonly #possible: (world: World) => boolean
  readonly #take: (world: World) => void
  readonly #settles: boolean

  constructor(
    name: string,
    settles: boolean,
    possible: (world: World) => boolean,
    take: (world: World) => void,
  ) {
    this.#name = name
    this.#settles = settles
    this.#possible = possible
    this.#take = take
  }

  check(world: World): boolean {
    return this.#possible(world)
  }

  async run(world: World): Promise<void> {
    this.#take(world)
    if (this.#settles) await world.settle()
    else world.check()
  }

  toString(): string {
    return `${this.#name}${this.#settles ? '' : ' at once'}`
  }
}

type Plan = [name: string, possible: (world: World) => boolean, take: (world: World) => void]

const idle = (world: World): boolean => !world.dead && world.started && world.action === null && !world.over
const working = (world: World): boolean => idle(world) && !world.shutdown
const inHand = (world: World): boolean => world.hand !== null
const mayEnter = (world: World): boolean => !world.closed && !world.outerPending

// Mostly less than abandonAfter, which ends the story.
const TIMES = [10, 100, 500, 1000, 1000, 2000, 4000, 4000, 10_000, 60_000]

// The steps with their weights: what ends the story early is rare.
const daemonSteps: [weight: number, arbitrary: fc.Arbitrary<Plan>][] = [
  [
    10,
    plan(
      'initialize',
      (world) => !world.dead && !world.started,
      (world) => world.send('initialize', SHARD),
    ),
  ],
  [
    90,
    fc
      .array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 })
      .map((sizes) => [`deliver [${sizes}]`, working, (world) => world.deliver(sizes)]),
  ],
  [90, plan('answer', asked, (world) => world.answer(null))],
  [
    20,
    fc
      .constantFrom('ThrottlingException', 'KinesisClientLibDependencyException', 'RuntimeException')
      .map((exception) => [`answer ${exception}`, asked, (world) => world.answer(exception)]),
  ],
  [
    8,
    fc
      .constantFrom('InvalidStateException', 'IllegalArgumentException', 'Odd')
      .map((exception) => [`answer ${exception}`, asked, (world) => world.answer(exception)]),
  ],
  [2, plan('answer ShutdownException', asked, (world) => world.answer('ShutdownException'))],
  [1, plan('shutdownRequested', working, (world) => world.send('shutdownRequested'))],
  [1, plan('leaseLost', idle, (world) => world.send('leaseLost'))],
  [1, plan('shardEnded', working, (world) => world.send('shardEnded'))],
  [
    1,
    plan(
      'end of input',
      (world) => !world.dead && world.started,
      (world) => world.end(),
    ),
  ],
]

const userSteps: [weight: number, arbitrary: fc.Arbitrary<Plan>][] = [
  [80, plan('next batch', mayEnter, (world) => world.next())],
  [140, plan('next record', inHand, (world) => world.step())],
  [20, plan('caught throw', inHand, (world) => world.leaveInner())],
  [
    12,
    plan(
      'break',
      (world) => world.outer !== null,
      (world) => world.leave({ leak: false }),
    ),
  ],
  [
    8,
    plan(
      'leak',
      (world) => world.outer !== null,
      (world) => world.leave({ leak: true }),
    ),
  ],
  [
    10,
    fc
      .nat(20)
      .map((which) => [
        `leaked step ${which}`,
        (world) => world.earlier.length > 0,
        (world) => world.stepLeaked(pick(world.earlier, which)),
      ]),
  ],
  [30, plan('checkpoint()', inHand, (world) => world.hand && world.checkpoint(world.hand, null))],
  [
    25,
    fc
      .nat(20)
      .map((which) => [
        `checkpoint(${which})`,
        inHand,
        (world) => world.hand && world.checkpoint(world.hand, which % world.hand.account.size),
      ]),
  ],
  [
    15,
    fc.tuple(fc.nat(20), fc.nat(20)).map(([batch, which]) => [
      `checkpoint(${which}) of an earlier batch ${batch}`,
      (world) => world.earlier.length > 0,
      (world) => {
        const hand = pick(world.earlier, batch)
        world.checkpoint(hand, which % hand.account.size)
      },
    ]),
  ],
  [
    15,
    fc.nat(20).map((which) => [
      `checkpoint(${which}) a moment later`,
      inHand,
      (world) => {
        const { hand } = world
        if (hand !== null) queueMicrotask(() => world.checkpoint(hand, which % hand.account.size))
      },
    ]),
  ],
  [12, plan('skipRest()', inHand, (world) => world.skipRest())],
]

const otherSteps: [weight: number, arbitrary: fc.Arbitrary<Plan>][] = [
  [
    30,
    fc
      .constantFrom(...TIMES)
      .map((milliseconds) => [`${milliseconds} ms pass`, () => true, (world) => world.pass(milliseconds)]),
  ],
  [
    1,
    plan(
      'close',
      (world) => !world.closed,
      (world) => world.close(),
    ),
  ],
]

const steps: fc.Arbitrary<fc.AsyncCommand<World, World>>[] = [
  ...daemonSteps,
  ...userSteps,
  ...otherSteps,
].flatMap(([weight, arbitrary]) =>
  Array.from({ length: weight }, () =>
    fc
      .tuple(arbitrary, fc.boolean())
      .map(([[name, possible, take], settles]) => new Step(name, settles, possible, take)),
  ),
)

const HOOKS: ActionName[] = ['initialize', 'shutdownRequested', 'shardEnded', 'leaseLost']

// By name, so that a failure shows them; policies may remember, so each run makes its own.
const POLICIES: Readonly<Record<string, () => CheckpointPolicy>> = {
  'everyRecords(1)': () => everyRecords(1),
  'everyRecords(3)': () => everyRecords(3),
  'everyBatch()': () => everyBatch(),
  'everyInterval(PT1S)': () => everyInterval('PT1S'),
  'manual()': () => manual(),
  'anyOf(everyRecords(2), everyBatch())': () => anyOf(everyRecords(2), everyBatch()),
  'allOf(everyRecords(2), everyInterval(PT1S))': () => allOf(everyRecords(2), everyInterval('PT1S')),
}

const settings: fc.Arbitrary<{
  policy: string
  broken: ActionName | null
  hooksStore: boolean
  warm: boolean
}> = fc.record({
  policy: fc.constantFrom(...Object.keys(POLICIES)),
  broken: fc.constantFrom(...Array<null>(28).fill(null), ...HOOKS),
  hooksStore: fc.boolean(),
  warm: fc.integer({ min: 0, max: 9 }).map((number) => number > 0),
})

const SHARD = { shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }

function plan(...parts: Plan): fc.Arbitrary<Plan> {
  return fc.constant(parts)
}

function asked(world: World): boolean {
  return !world.dead && world.asked !== null
}

function pick<T>(list: readonly T[], which: number): T {
  return list[which % list.length] as T
}
