// Where the events of a chaos run take place: two workers, two services, a stream; and the hands to lay on them.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../lib/daemon/faults/random.ts'
import type { Emulator } from './emulator.ts'
import type { Producer } from './producer.ts'
import { until } from './until.ts'
import type { Watcher } from './watcher.ts'
import type { Worker } from './worker.ts'

/** A shard, as Kinesis lists it. */
export interface Shard {
  readonly id: string
  readonly from: bigint
  readonly to: bigint
}

export interface Stage {
  readonly folder: string
  readonly stream: string
  readonly kinesis: Emulator
  readonly dynamoDB: Emulator
  /** The first works all the time; the second joins and leaves. */
  readonly workers: readonly [Worker, Worker]
  readonly producer: Producer
  readonly watcher: Watcher
  readonly random: Random
}

/** One of several. */
export function pick<T>(list: readonly T[], random: Random): T {
  const one = list[Math.floor(random() * list.length)]
  if (one === undefined) throw new Error('There is nothing to pick from.')
  return one
}

/** The workers with consumers, after waiting for one if need be. */
export async function working({ workers }: Stage): Promise<Worker[]> {
  const busy = (): Worker[] => workers.filter(({ consumers }) => consumers.length > 0)
  await until('a worker has a consumer', () => busy().length > 0, LONG)
  return busy()
}

/** Both workers, with consumers each. */
export async function both({ workers }: Stage): Promise<readonly [Worker, Worker]> {
  for (const worker of workers) worker.up()
  await until(
    'both workers have consumers',
    () => workers.every(({ consumers }) => consumers.length > 0),
    LONG,
  )
  return workers
}

/** The worker that holds the leader's lock, and the other one. */
export async function leading({ workers, watcher }: Stage): Promise<{ leader: Worker; other: Worker }> {
  const [first, second] = workers
  const owner = await until('a worker leads', () => watcher.leader(), LONG)
  return first.identifier === owner ? { leader: first, other: second } : { leader: second, other: first }
}

/** The shards that take records, by their ranges. */
export async function openShards({ kinesis, stream }: Stage): Promise<Shard[]> {
  const { Shards } = (await kinesis.call('ListShards', { StreamName: stream })) as { Shards: ListedShard[] }
  return Shards.filter(({ SequenceNumberRange }) => !SequenceNumberRange.EndingSequenceNumber)
    .map(({ ShardId: id, HashKeyRange: { StartingHashKey, EndingHashKey } }) => ({
      id,
      from: BigInt(StartingHashKey),
      to: BigInt(EndingHashKey),
    }))
    .sort((one, other) => (one.from < other.from ? -1 : 1))
}

/** Splits or merges; what it answers waits until records were put to every child, so that an event lasts until those are seen. */
export async function reshard(
  stage: Stage,
  action: string,
  request: object,
): Promise<() => Promise<unknown>> {
  const before = new Set((await openShards(stage)).map(({ id }) => id))
  await stage.kinesis.call(action, { StreamName: stage.stream, ...request })
  const havePuts = async (): Promise<boolean> => {
    const children = (await openShards(stage)).filter(({ id }) => !before.has(id))
    return children.length > 0 && children.every(({ id }) => stage.producer.shards.has(id))
  }
  return () => until('records were put to the children', havePuts, LONG)
}

/** Keeps the consumers of a worker busy with the records in hand until the returned function is called. */
export function keepBusy({ folder }: Stage, worker: Worker): () => void {
  const file = join(folder, `busy-${worker.name}`)
  writeFileSync(file, '')
  return () => rmSync(file, { force: true })
}

interface ListedShard {
  readonly ShardId: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string | null }
}

const LONG = 180_000
