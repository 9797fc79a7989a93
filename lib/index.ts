// The public names. No logic.

export type { HookContext, SessionHooks } from './actions.ts'
export type { RecordBatch } from './batch.ts'
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
  UsageError,
} from './errors.ts'
export type { ErrorDecision, ForEachOptions, RecordHandler } from './for-each.ts'
export type { Logger } from './io/log.ts'
export type { Stats } from './ledger.ts'
export type { Position, Shard } from './protocol/messages.ts'
export type { KinesisRecord } from './record.ts'
export { KclSession, type KclSessionOptions } from './session.ts'
export type { Clock, DurationInput, DurationUnits } from './time.ts'
