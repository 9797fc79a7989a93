// What goes on in a session, on channels of node:diagnostics_channel: for metrics, traces and whoever else looks.
// Nothing is made or called where nobody has subscribed. The object of a traced step is the same in all its events.

import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { CheckpointError } from '../errors.ts'
import type { Position } from '../protocol/messages.ts'

/** On `kcl-session:shard`: a turn in the life of a shard's session. */
export interface ShardEvent {
  readonly session: object
  readonly shard: string | null
  readonly event: 'initialized' | 'shutdownRequested' | 'leaseLost' | 'shardEnded' | 'ended' | 'failed'
  /** With `failed`. */
  readonly error?: unknown
}

/**
 * On `tracing:kcl-session:batch:*`: `start` when a batch is handed out, `asyncEnd` when the next one was asked for and
 * it was finished, `error` before that when it was left. */
export interface BatchTrace {
  readonly session: object
  readonly shard: string
  readonly size: number
  /** Of decoded data. */
  readonly bytes: number
  readonly attempt: number
  readonly millisBehindLatest: number | null
  readonly first: Position
  readonly last: Position
  /** From `asyncEnd` on. */
  result?: { readonly finished: number; readonly skipped: number }
  /** From `error` on: why the batch was left, where that is known. */
  error?: unknown
}

/** On `tracing:kcl-session:record:*`, in `forEach` only: one try at one record, around its handler. */
export interface RecordTrace {
  readonly session: object
  readonly shard: string
  readonly record: Position
  readonly attempt: number
  result?: unknown
  error?: unknown
}

/** On `tracing:kcl-session:checkpoint:*`: from its first try until it is stored, or `error`: given up. */
export interface CheckpointTrace {
  readonly session: object
  readonly shard: string | null
  /** Null for the end of the shard. */
  position: Position | null
  explicit: boolean
  tries: number
  error?: CheckpointError | Error
}

/** On `kcl-session:refused`: a try that the daemon refused, whether another follows or not. */
export interface RefusedEvent {
  readonly session: object
  readonly shard: string | null
  readonly position: Position | null
  readonly exception: string
  readonly tries: number
}

export const shardChannel: Channel = channel('kcl-session:shard')
export const refusedChannel: Channel = channel('kcl-session:refused')
export const batchTracing: () => TracingChannel<unknown, BatchTrace> = whenAsked('kcl-session:batch')
export const recordTracing: () => TracingChannel<unknown, RecordTrace> = whenAsked('kcl-session:record')
export const checkpointTracing: () => TracingChannel<unknown, CheckpointTrace> =
  whenAsked('kcl-session:checkpoint')

/** Whether anybody listens to any event of a traced step; Node 20 does not tell by itself. */
export function isTraced<T extends object>({
  start,
  end,
  asyncStart,
  asyncEnd,
  error,
}: TracingChannel<unknown, T>): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  )
}

// Five channels each, which a start need not make.
function whenAsked<T extends object>(name: string): () => TracingChannel<unknown, T> {
  let made: TracingChannel<unknown, T> | undefined
  return () => {
    made ??= tracingChannel<unknown, T>(name)
    return made
  }
}
