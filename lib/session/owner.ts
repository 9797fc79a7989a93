// The session as its batches and handlers see it.

import type { CheckpointPolicy } from '../checkpoint/policy.ts'
import type { Logger } from '../io/logger.ts'
import type { Shard } from '../protocol/messages.ts'
import type { KinesisRecord } from '../record.ts'
import type { Clock } from '../time.ts'
import type { Checkpointing } from './checkpointing.ts'
import type { ForEachOptions, HandlerContext, Handlers } from './handler.ts'
import type { Turns } from './record-iterator.ts'
import type { Telemetry } from './telemetry.ts'

/** What a batch, whose type it is, asks of its session. */
export interface Owner<Batch> {
  handlers: Handlers | null
  readonly shard: Shard | null
  readonly checkpointing: Checkpointing
  readonly policy: CheckpointPolicy
  readonly turns: Turns
  readonly clock: Clock
  readonly log: Logger
  readonly telemetry: Telemetry
  readonly signal: AbortSignal
  /** Whether records may be handed out: not once the lease is lost. Throws what the session failed with. */
  handsOut(): boolean
  /** Takes a record as finished. Throws what the policy throws, with which the session fails. */
  finish(number: number): void
  skipped(records: number): void
  /** Runs handlers over a batch. */
  handle(
    batch: Batch,
    handler: (record: KinesisRecord, batch: Batch, context: HandlerContext) => unknown,
    options: ForEachOptions,
  ): Promise<void>
}
