// What must compile and what must not: checked by the compiler, never run. Each @ts-expect-error is a spec; when its
// line compiles after all, the build fails.

import { Temporal } from '@js-temporal/polyfill'
import pino from 'pino'
import winston from 'winston'
import { z } from 'zod'
import {
  anyOf,
  type BatchOptions,
  type CheckpointError,
  type CheckpointPolicy,
  type DurationInput,
  type DurationUnits,
  everyInterval,
  everyRecords,
  type KclError,
  type KclSession,
  type KclSessionOptions,
  type KinesisRecord,
  type Logger,
  type Position,
  type RecordBatch,
  type RetryOptions,
  type SessionForEachOptions,
  type Stats,
} from '../../lib/index.ts'
import type { TestDaemonOptions, TestRecordFields } from '../../lib/testing/index.ts'

/** Both ways assignable, so the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
function same<A, B>(_verdict: Same<A, B>): void {}

declare const session: KclSession
declare const forEach: KclSession['forEach']
declare const record: KinesisRecord
declare const batch: RecordBatch
declare function store(record: KinesisRecord): Promise<void>

export async function loops(): Promise<void> {
  for await (const each of session.batches()) {
    same<typeof each, RecordBatch>(true)
    for await (const one of each) same<typeof one, KinesisRecord>(true)
    for (const one of each.records) same<typeof one, KinesisRecord>(true)
    for (const one of each) same<typeof one, KinesisRecord>(true)
  }
  // @ts-expect-error: what is made is made by the session
  session.stats.records = 1
}

export async function handlers(): Promise<void> {
  const pending = new Set<string>()
  await forEach(() => {})
  await forEach(async () => {})
  await forEach((one) => store(one))
  await forEach(() => true)
  await forEach(async (one, whole) => {
    same<typeof one, KinesisRecord>(true)
    same<typeof whole, RecordBatch>(true)
    if (one.text() === 'flush') return true
  })
  await forEach((one) => pending.delete(one.partitionKey))
  await forEach(async (one) => pending.delete(one.partitionKey))
  await forEach((one) => one.json<{ id: number }>())
  await forEach(store, { retry: { attempts: 3 }, onError: () => 'skip' })
  await forEach(store, {
    onError: async (_error, _record, attempt) => (attempt > 3 ? 'stop' : 'retry'),
  })
  await forEach(store, {
    async onError(_error, one) {
      await store(one)
      return 'skip'
    },
  })
  await forEach(store, { onError: (_error, one) => store(one).then(() => 'skip') })
  // @ts-expect-error: there is no such decision
  await forEach(store, { onError: () => 'ignore' })
  // @ts-expect-error: there is no such option
  await forEach(store, { retries: 3 })
}

export const options: KclSessionOptions[] = [
  {},
  { policy: anyOf(everyInterval({ minutes: 1 }), everyRecords(1000)), checkpointRetry: { attempts: 3 } },
  { abandonAfter: 'PT2M', logger: false },
  { logger: console },
  { logger: pino() },
  { logger: winston.createLogger() },
  { input: process.stdin, output: process.stdout },
  { onInitialize: ({ shardId }) => store(record).then(() => shardId), onLeaseLost: () => {} },
  { onShardEnded: async (context) => context.checkpoint() },
  // @ts-expect-error: there is no such option
  { polcy: everyRecords(1) },
  // @ts-expect-error: true is no logger
  { logger: true },
  // @ts-expect-error: a policy, not the function that makes one
  { policy: everyRecords },
  // @ts-expect-error: milliseconds have to say so
  { abandonAfter: 60_000 },
]

// The types of a native Temporal.Duration and of the polyfill's are not assignable to each other; both fit here.
interface NativeDuration {
  readonly sign: -1 | 0 | 1
  readonly blank: boolean
  readonly years: number
  readonly months: number
  readonly weeks: number
  readonly days: number
  readonly hours: number
  readonly minutes: number
  readonly seconds: number
  readonly milliseconds: number
  readonly microseconds: number
  readonly nanoseconds: number
  with(durationLike: object): NativeDuration
  negated(): NativeDuration
  toString(): string
  readonly [Symbol.toStringTag]: 'Temporal.Duration'
}
declare const native: NativeDuration

export const durations: DurationInput[] = [
  { minutes: 1 },
  { hours: 1, milliseconds: 5 },
  'PT1M',
  native,
  Temporal.Duration.from('PT1M'),
  // @ts-expect-error: a number has no unit
  60,
  // @ts-expect-error: minutes are PT1M
  '1m',
  // @ts-expect-error: there is no such unit
  { minute: 1 },
  // @ts-expect-error: months have no fixed length
  { months: 1 },
  // @ts-expect-error: a moment is no duration
  new Date(),
]

export const policies: CheckpointPolicy[] = [
  { shouldCheckpoint: ({ records, endsAggregate }) => records > 10 && endsAggregate },
  { shouldCheckpoint: () => false, atShutdown: false },
  // @ts-expect-error: policies are synchronous
  { shouldCheckpoint: async () => true },
  // @ts-expect-error: and answer with a boolean
  { shouldCheckpoint: ({ records }) => records },
  // @ts-expect-error: the method is the policy
  { atShutdown: true },
  {
    shouldCheckpoint(progress) {
      // @ts-expect-error: a policy is told, and changes nothing
      progress.records = 0
      return progress.after === 'batch'
    },
  },
]

const place = () => record.json(z.object({ place: z.string().transform((text) => text) })).place

/** The options that may be left out, and that nobody can give as `undefined` under exactOptionalPropertyTypes. */
type Closed<T> = {
  [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? { [P in K]: undefined } extends Pick<T, K>
      ? never
      : K
    : never
}[keyof T]

export function undefinedOptions(): void {
  same<Closed<KclSessionOptions>, never>(true)
  same<Closed<SessionForEachOptions>, never>(true)
  same<Closed<BatchOptions>, never>(true)
  same<Closed<RetryOptions>, never>(true)
  same<Closed<CheckpointPolicy>, never>(true)
  same<Closed<DurationUnits>, never>(true)
  same<Closed<TestDaemonOptions>, never>(true)
  same<Closed<TestRecordFields>, never>(true)
  same<Closed<{ readonly closed?: string }>, 'closed'>(true)
}

export async function records(): Promise<void> {
  same<typeof record.data, Buffer>(true)
  same<typeof record.sequenceNumber, string>(true)
  same<typeof record.timestamp, number | null>(true)
  same<typeof record.arrivedAt, Temporal.Instant | null>(true)
  const parsed = record.json()
  // @ts-expect-error: unknown until it is said or checked
  parsed.place
  record.json<{ place: string }>().place
  record.json((value) => String(value)).length
  same<string, ReturnType<typeof place>>(true)
  // @ts-expect-error: a schema is no list of fields
  record.json({ place: String })
  // @ts-expect-error: what came is not changed
  record.partitionKey = 'other'
  same<Awaited<ReturnType<typeof batch.checkpoint>>, boolean>(true)
  await batch.checkpoint(record)
  await batch.checkpoint({ sequenceNumber: '49', subSequenceNumber: 0 })
  // @ts-expect-error: a sequence number alone is no position
  await batch.checkpoint('49')
  // @ts-expect-error: sequence numbers are too long for numbers
  await batch.checkpoint({ sequenceNumber: 49, subSequenceNumber: 0 })
}

export function figures(error: KclError, refused: CheckpointError, stats: Stats, logger: Logger): void {
  same<typeof error.code, string>(true)
  same<typeof refused.code, 'KCL_CHECKPOINT'>(true)
  const position: Position | null = refused.position
  logger.info('text', { position, stats })
  same<typeof session.state, 'open' | 'ended' | 'failed'>(true)
  same<typeof session.checkpointed, Position | null>(true)
  same<
    keyof Stats,
    | 'batches'
    | 'records'
    | 'bytes'
    | 'checkpoints'
    | 'retries'
    | 'refusals'
    | 'skipped'
    | 'unstored'
    | 'lag'
    | 'checkpointLag'
    | 'millisBehindLatest'
  >(true)
}
