// A session on the channels of report/channels.ts. Rule: without subscribers nothing is made, and nothing is kept.

import { toPosition } from '../checkpoint/position.ts'
import type { CheckpointError } from '../errors.ts'
import type { Position } from '../protocol/messages.ts'
import { type KinesisRecord, sizeOf } from '../record.ts'
import {
  type BatchTrace,
  batchTracing,
  type CheckpointTrace,
  checkpointTracing,
  isTraced,
  type RefusedEvent,
  recordTracing,
  refusedChannel,
  type ShardEvent,
  shardChannel,
} from '../report/channels.ts'
import type { Window } from './segments.ts'

/** A batch in the user's hands. */
export interface TracedBatch {
  readonly shardId: string
  readonly window: Window
  readonly attempt: number
  readonly millisBehindLatest: number | null
}

/** Where a batch lies on the line, without its records. */
export interface BatchPlace {
  readonly window: Pick<Window, 'from' | 'to'>
  readonly attempt: number
}

/** Whom the events are about. */
export interface Traced {
  /** The user's session. */
  readonly session: object
  readonly shard: { readonly shardId: string } | null
}

/** Publishes what one session does. */
export class Tracing {
  readonly #of: Traced
  #batch: { readonly trace: BatchTrace; readonly skippedBefore: number } | null = null
  #checkpoint: CheckpointTrace | null = null

  constructor(of: Traced) {
    this.#of = of
  }

  event(event: ShardEvent['event'], error?: unknown): void {
    if (!shardChannel.hasSubscribers) return
    const told: ShardEvent = { ...this.#who(), event, ...(error === undefined ? {} : { error }) }
    shardChannel.publish(told)
  }

  /** A batch is handed out; `skipped` is how many were so far. */
  batchStarts({ window, attempt, millisBehindLatest, shardId }: TracedBatch, skipped: number): void {
    const [first, last] = [window.records[0], window.records.at(-1)]
    if (first === undefined || last === undefined || !isTraced(batchTracing())) return
    const trace: BatchTrace = {
      session: this.#of.session,
      shard: shardId,
      size: window.records.length,
      bytes: window.records.reduce((sum, record) => sum + sizeOf(record), 0),
      attempt,
      millisBehindLatest,
      first: toPosition(first),
      last: toPosition(last),
    }
    this.#batch = { trace, skippedBefore: skipped }
    batchTracing().start.publish(trace)
    batchTracing().end.publish(trace)
  }

  /** The batch in hand is finished. */
  batchEnds(skipped: number): void {
    const batch = this.#batch
    this.#batch = null
    if (batch === null) return
    batch.trace.result = { finished: batch.trace.size, skipped: skipped - batch.skippedBefore }
    batchTracing().asyncStart.publish(batch.trace)
    batchTracing().asyncEnd.publish(batch.trace)
  }

  /** The batch in hand was left, or its lease is lost. */
  batchLeft(why: unknown): void {
    const batch = this.#batch
    this.#batch = null
    if (batch === null) return
    batch.trace.error = why
    batchTracing().error.publish(batch.trace)
    batchTracing().asyncStart.publish(batch.trace)
    batchTracing().asyncEnd.publish(batch.trace)
  }

  /** Whether anybody looks at the tries of handlers. */
  get ofRecords(): boolean {
    return isTraced(recordTracing())
  }

  /** Runs one try of a handler, so that whoever traces can put it into a context of its own. */
  record<T>(record: KinesisRecord, attempt: number, work: () => T | Promise<T>): T | Promise<T> {
    const trace = { session: this.#of.session, shard: this.#of.shard?.shardId ?? '', record, attempt }
    return recordTracing().tracePromise(async () => work(), trace)
  }

  /** A checkpoint goes out. */
  checkpointSent(position: Position | null, explicit: boolean, tries: number): void {
    const trace = this.#checkpoint
    if (trace !== null) {
      Object.assign(trace, { position, explicit, tries })
      return
    }
    if (!isTraced(checkpointTracing())) return
    this.#checkpoint = { ...this.#who(), position, explicit, tries }
    checkpointTracing().start.publish(this.#checkpoint)
    checkpointTracing().end.publish(this.#checkpoint)
  }

  refused(position: Position | null, exception: string, tries: number): void {
    if (!refusedChannel.hasSubscribers) return
    const event: RefusedEvent = { ...this.#who(), position, exception, tries }
    refusedChannel.publish(event)
  }

  /** The checkpoint on its way is stored, or with an error given up. */
  checkpointEnds(error?: CheckpointError | Error): void {
    const trace = this.#checkpoint
    this.#checkpoint = null
    if (trace === null) return
    if (error !== undefined) {
      trace.error = error
      checkpointTracing().error.publish(trace)
    }
    checkpointTracing().asyncStart.publish(trace)
    checkpointTracing().asyncEnd.publish(trace)
  }

  #who(): { session: object; shard: string | null } {
    return { session: this.#of.session, shard: this.#of.shard?.shardId ?? null }
  }
}
