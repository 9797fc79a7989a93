// What is measured of a session, by the names and units of OpenTelemetry's conventions for messaging: the metrics, their
// attributes, and the events that they are made from. Whose library counts them is not known here.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { now } from '../timers.ts'
import type { BatchTrace, CheckpointTrace } from './channels.ts'

/** What is observed: a `KclSession`. */
export interface ObservedSession {
  readonly shard: { readonly shardId: string } | null
  readonly stats: { readonly lag: number | null; readonly checkpointLag: number | null }
}

/** What is not on the wire; where `kcl-session run` has started the process, it is known. */
export interface MetricsNames {
  readonly stream?: string | undefined
  readonly application?: string | undefined
}

/** Labels, or attributes, and their values. */
export type Labels = Record<string, string>

/** A metric, whoever counts it. */
export interface Metric {
  readonly name: string
  readonly description: string
  /** Attributes besides those that are always there. */
  readonly more: readonly string[]
}

/** A metric that is asked for, and has no value at times. */
export interface Gauge extends Metric {
  readonly of: (session: ObservedSession) => number | null
}

/** Is told what happens, with the attributes of it. */
export interface Follower {
  consumed(count: number, attributes: Labels): void
  processed(seconds: number, attributes: Labels): void
  stored(seconds: number, attributes: Labels): void
}

/** Follows one session among all of the process; the returned function stops that. */
export function follow(session: ObservedSession, follower: Follower): () => void {
  const since = new WeakMap<object, number>()
  const ours = <T extends { readonly session: object }>(
    on: (event: T) => void,
  ): ((message: unknown, name: string | symbol) => void) => {
    return (message) => {
      const event = message as T
      if (event.session === session) on(event)
    }
  }
  const elapsed = (event: object): number => (now() - (since.get(event) ?? now())) / 1000
  const listeners: readonly (readonly [string, ReturnType<typeof ours>])[] = [
    [
      'tracing:kcl-session:batch:start',
      ours<BatchTrace>((batch) => {
        since.set(batch, now())
        const attributes = { ...shardOf(session), 'messaging.operation.name': 'receive' }
        if (batch.attempt === 1) follower.consumed(batch.size, attributes)
      }),
    ],
    [
      'tracing:kcl-session:batch:asyncEnd',
      ours<BatchTrace>((batch) => {
        const attributes = { ...shardOf(session), 'messaging.operation.name': 'process' }
        follower.processed(elapsed(batch), { ...attributes, ...errorOf(batch, batch.result === undefined) })
      }),
    ],
    [
      'tracing:kcl-session:checkpoint:start',
      ours<CheckpointTrace>((checkpoint) => since.set(checkpoint, now())),
    ],
    [
      'tracing:kcl-session:checkpoint:asyncEnd',
      ours<CheckpointTrace>((checkpoint) => {
        const attributes = {
          ...shardOf(session),
          'messaging.operation.name': 'checkpoint',
          'messaging.operation.type': 'settle',
        }
        follower.stored(elapsed(checkpoint), { ...attributes, ...errorOf(checkpoint, 'error' in checkpoint) })
      }),
    ],
  ]
  for (const [name, listener] of listeners) subscribe(name, listener)
  return () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener)
  }
}

function errorOf({ error }: { readonly error?: unknown }, failed: boolean): Labels {
  if (!failed) return {}
  const { exception, name } = (error ?? {}) as { exception?: unknown; name?: unknown }
  return {
    'error.type': typeof exception === 'string' ? exception : typeof name === 'string' ? name : '_OTHER',
  }
}

/** The attributes that are the same for all metrics of a session. */
export function attributesOf({ stream, application }: MetricsNames): Labels {
  const { KCL_SESSION_STREAM, KCL_SESSION_APPLICATION } = process.env
  const [destination, group] = [stream ?? KCL_SESSION_STREAM, application ?? KCL_SESSION_APPLICATION]
  return {
    'messaging.system': 'aws_kinesis',
    ...(destination ? { 'messaging.destination.name': destination } : {}),
    ...(group ? { 'messaging.consumer.group.name': group } : {}),
  }
}

/** The attributes that name a session's shard. */
export function shardOf({ shard }: ObservedSession): Labels {
  return { [PARTITION]: shard?.shardId ?? '' }
}

const PARTITION = 'messaging.destination.partition.id'
/** Records delivered. */
export const CONSUMED: Metric = {
  name: 'messaging.client.consumed.messages',
  description: 'Records that were delivered.',
  more: [PARTITION, 'messaging.operation.name'],
}
/** How long batches are worked on, in seconds. */
export const PROCESS: Metric = {
  name: 'messaging.process.duration',
  description: 'From the hand-out of a batch until the next one is asked for.',
  more: [PARTITION, 'messaging.operation.name', 'error.type'],
}
/** How long checkpoints take, in seconds. */
export const OPERATION: Metric = {
  name: 'messaging.client.operation.duration',
  description: 'From the first try of a checkpoint until it is stored or given up.',
  more: [PARTITION, 'messaging.operation.name', 'messaging.operation.type', 'error.type'],
}
/** How far the session is behind, in seconds. */
export const LAG: Gauge = {
  name: 'kcl_session.shard.lag',
  description: 'Age of the oldest record that has arrived and is not finished.',
  more: [PARTITION],
  of: ({ stats }) => (stats.lag === null ? null : stats.lag / 1000),
}
/** How much a crash would repeat, in seconds. */
export const CHECKPOINT_LAG: Gauge = {
  name: 'kcl_session.shard.checkpoint_lag',
  description: 'Age of the oldest record that a crash would have delivered again.',
  more: [PARTITION],
  of: ({ stats }) => (stats.checkpointLag === null ? null : stats.checkpointLag / 1000),
}
/** The limits of buckets in seconds that the conventions advise. */
export const BOUNDARIES: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
