/**
 * The public names. No logic.
 * @module kcl-session
 */

export {
  allOf,
  anyOf,
  type CheckpointPolicy,
  type CheckpointProgress,
  everyBatch,
  everyBytes,
  everyInterval,
  everyRecords,
  manual,
} from './checkpoint/policy.ts'
export type { RetryOptions } from './checkpoint/retry.ts'
export {
  ChannelClosedError,
  CheckpointError,
  DaemonProtocolError,
  KclError,
  LeaseLostError,
  RecordError,
  UsageError,
} from './errors.ts'
export {
  type EachShard,
  type EachShardOptions,
  eachShard,
  type ShardDecision,
  type ShardHandler,
} from './host/each-shard.ts'
export type { ShardHost, ShardLine } from './host/shard-line.ts'
export type { Logger } from './io/logger.ts'
export type { Position, Shard } from './protocol/messages.ts'
export type { KinesisRecord, RecordJson } from './record.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './schema.ts'
export type { RecordBatch, RecordHandler } from './session/batch.ts'
export type { BatchOptions } from './session/batch-iterator.ts'
export type { ErrorDecision, ForEachOptions, HandlerContext } from './session/handler.ts'
export type { HookContext, SessionHooks } from './session/hooks.ts'
export type { KclSessionOptions } from './session/options.ts'
export { KclSession } from './session/session.ts'
export type { Stats } from './session/stats.ts'
export type { SessionForEachOptions } from './session/work.ts'
export type { Clock, DurationInput, DurationUnits } from './time.ts'
