// What happens to a worker in its life, and how long keys may go without a consumer for it. Bounds are made of the
// daemon's own times and of how long a start takes on this machine, never of this machine's speed alone.

import { setTimeout as pause } from 'node:timers/promises'
import {
  both,
  keepBusy,
  leading,
  openShards,
  pick,
  reshard,
  type Shard,
  type Stage,
  working,
} from './stage.ts'
import { until } from './until.ts'
import type { Worker } from './worker.ts'

/** The times that bounds are made of, in milliseconds. */
export interface Times {
  /** From the start of a launcher to its first consumer, on this machine as busy as it is. */
  readonly start: number
  /** The daemon's failoverTimeMillis. */
  readonly failover: number
}

/** An event. */
export interface Event {
  /** Makes it happen; resolves to what was done, to whom. */
  readonly happen: (stage: Stage) => Promise<string>
  readonly bound: (times: Times) => number
  /** Whether it is part of a round; the others take longer, and are asked for by name. */
  readonly inRound: boolean
}

// A worker that died is started again a second later; its leases are its own.
const again = ({ start, failover }: Times): number => 1000 + 2 * start + failover
// Others look for a leader every half minute, and a handover may take as long.
const LEADER_CHECK = 30_000
const HANDOVER = 30_000
// After two minutes the lock of a leader that stands still is free.
const LEADER_LOCK = 120_000
const STOP = 25_000
const FROZEN = 15_000
const AWAY = 10_000

export const EVENTS: Readonly<Record<string, Event>> = {
  'kill-consumer': round(again, async (stage) => {
    const worker = pick(await working(stage), stage.random)
    const pid = pick(worker.consumers, stage.random)
    process.kill(pid, 'SIGKILL')
    return `consumer ${pid} of ${worker.name}`
  }),
  'kill-jvm': round(again, async (stage) => {
    const worker = pick(await working(stage), stage.random)
    return `daemon ${signal(worker.jvm, 'SIGKILL')} of ${worker.name}`
  }),
  'kill-launcher': round(
    (times) => STOP + 2 * times.failover + again(times),
    async (stage) => {
      const worker = pick(await working(stage), stage.random)
      worker.delay = stage.random() < 0.5 ? 100 : 4000
      const { delay } = worker
      await worker.end('SIGKILL')
      await until('it was started again', () => worker.pid !== undefined, 30_000)
      worker.delay = 1000
      return `${worker.name}, again after ${delay} ms`
    },
  ),
  'term-restart': round(
    (times) => STOP + again(times),
    async (stage) => {
      const worker = pick(await working(stage), stage.random)
      const began = performance.now()
      await worker.end('SIGTERM')
      return `${worker.name}, whose stop took ${Math.round(performance.now() - began)} ms`
    },
  ),
  join: round(
    (times) => HANDOVER + LEADER_CHECK + again(times),
    async (stage) => {
      await both(stage)
      return 'both at work'
    },
  ),
  leave: round(
    (times) => STOP + LEADER_CHECK + 2 * times.failover + again(times),
    async (stage) => {
      const [, second] = await both(stage)
      await second.down()
      return second.name
    },
  ),
  split: round(
    (times) => LEADER_CHECK + again(times),
    async (stage) => {
      const [shard, children] = await split(stage)
      await children()
      return shard
    },
  ),
  merge: round(
    (times) => LEADER_CHECK + again(times),
    async (stage) => {
      const shards = await openShards(stage)
      const at = Math.floor(stage.random() * (shards.length - 1))
      const [one, other] = [shards[at]?.id, shards[at + 1]?.id]
      const children = await reshard(stage, 'MergeShards', { ShardToMerge: one, AdjacentShardToMerge: other })
      await children()
      return `${one} and ${other}`
    },
  ),
  'freeze-consumer': round(
    (times) => FROZEN + again(times),
    async (stage) => {
      const worker = pick(await working(stage), stage.random)
      const pid = pick(worker.consumers, stage.random)
      await frozen(pid, () => pause(FROZEN))
      return `consumer ${pid} of ${worker.name}`
    },
  ),
  'freeze-jvm': round(
    (times) => 3 * times.failover + LEADER_CHECK + again(times),
    async (stage) => {
      const worker = pick(await working(stage), stage.random)
      await frozen(worker.jvm, () => pause(3 * FAILOVER))
      return `the daemon of ${worker.name}`
    },
  ),
  // Its consumers are in the middle of a batch when the other worker takes their shards, and find out afterwards.
  zombie: round(
    (times) => LEADER_LOCK + LEADER_CHECK + again(times),
    async (stage) => {
      const worker = pick(await both(stage), stage.random)
      const release = keepBusy(stage, worker)
      try {
        await frozen(worker.jvm, () => pause((3 + stage.random()) * FAILOVER))
        await pause(FAILOVER)
      } finally {
        release()
      }
      return `${worker.name}, its consumers busy`
    },
  ),
  'freeze-tables': round(
    (times) => FROZEN + again(times),
    async ({ dynamoDB }) => {
      dynamoDB.signal('SIGSTOP')
      await pause(FROZEN)
      dynamoDB.signal('SIGCONT')
      return `${FROZEN / 1000} s`
    },
  ),
  'lose-tables': round(
    (times) => AWAY + LEADER_CHECK + again(times),
    async (stage) => {
      await withoutTables(stage, () => pause(AWAY))
      return `${AWAY / 1000} s`
    },
  ),
  // The end of the shard cannot be stored until they are back.
  'split-without-tables': round(
    (times) => AWAY + 2 * LEADER_CHECK + again(times),
    async (stage) =>
      withoutTables(stage, async () => {
        const [shard] = await split(stage)
        await pause(AWAY)
        return shard
      }),
  ),
  'freeze-stream': round(
    (times) => FROZEN + again(times),
    async ({ kinesis }) => {
      kinesis.signal('SIGSTOP')
      await pause(FROZEN)
      kinesis.signal('SIGCONT')
      return `${FROZEN / 1000} s`
    },
  ),
  'zombie-leader': byName(
    (times) => LEADER_LOCK + 2 * LEADER_CHECK + again(times),
    async (stage) => {
      await both(stage)
      const { leader, other } = await leading(stage)
      const shards = (await openShards(stage)).length
      await frozen(leader.jvm, () =>
        until('the other worker has every shard', () => other.consumers.length >= shards, 240_000),
      )
      return `${leader.name} led; ${other.name} took all of its shards`
    },
  ),
  // With --restart the launcher waits a second, and twice as long each time: 31 s in all.
  crashloop: byName(
    (times) => 5 * again(times) + 31_000,
    async (stage) => {
      for (let times = 0; times < 5; times++) {
        const worker = pick(await working(stage), stage.random)
        process.kill(pick(worker.consumers, stage.random), 'SIGKILL')
        await pause(2 * FAILOVER)
      }
      return 'five consumers, one after the other'
    },
  ),
}

/** What the local stack sets. */
export const FAILOVER = 5000

function round(bound: Event['bound'], happen: Event['happen']): Event {
  return { bound, happen, inRound: true }
}

function byName(bound: Event['bound'], happen: Event['happen']): Event {
  return { bound, happen, inRound: false }
}

// The widest shard, and a wait for records on its children.
async function split(stage: Stage): Promise<[shard: string, children: () => Promise<unknown>]> {
  const width = ({ from, to }: Shard): bigint => to - from
  const [widest] = (await openShards(stage)).sort((one, other) => (width(one) > width(other) ? -1 : 1))
  if (widest === undefined) throw new Error('There is no open shard.')
  const NewStartingHashKey = String((widest.from + widest.to) / 2n)
  return [widest.id, await reshard(stage, 'SplitShard', { ShardToSplit: widest.id, NewStartingHashKey })]
}

async function withoutTables<T>({ dynamoDB }: Stage, meanwhile: () => Promise<T>): Promise<T> {
  dynamoDB.signal('SIGKILL')
  try {
    return await meanwhile()
  } finally {
    dynamoDB.restart()
    await dynamoDB.answers()
  }
}

async function frozen(pid: Worker['jvm'], meanwhile: () => Promise<unknown>): Promise<void> {
  signal(pid, 'SIGSTOP')
  try {
    await meanwhile()
  } finally {
    signal(pid, 'SIGCONT')
  }
}

function signal(pid: number | undefined, name: NodeJS.Signals): number {
  if (pid === undefined) throw new Error('The daemon is not there.')
  process.kill(pid, name)
  return pid
}
