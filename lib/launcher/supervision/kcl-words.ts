// The KCL's own words for trouble on the way to AWS: what they mean for a shard, and what to count. The daemon's line
// then takes a level more to be seen, since it has been told. Every text here stands in the KCL's jar.

import type { WorkerCounts } from '../../children/worker.ts'
import type { DaemonEvent } from './marks.ts'

/** What to say instead of a line of the daemon. */
export interface Translation {
  readonly words: string
  readonly shardId: string | null
  readonly importance: 'info' | 'warn'
  /** What has been counted one higher. */
  readonly counts: keyof WorkerCounts | null
  /** What comes many times a second is said once a minute, with how often it came. */
  readonly now: boolean
}

/** Translates for one run of the daemon. */
export class KclWords {
  readonly #said = new Map<string, { at: number; kept: number }>()

  /** The words for an event, or undefined for one that has none here; `now` in milliseconds. */
  translate({ message }: Pick<DaemonEvent, 'message'>, now: number): Translation | undefined {
    for (const { pattern, words, importance = 'warn', counts = null } of PHRASES) {
      const match = pattern.exec(message)
      if (match === null) continue
      const shardId = match.groups?.shard ?? null
      const kept = this.#keep(`${words} ${shardId}`, now)
      const again = kept === null || kept === 0 ? '' : ` (${kept + 1} times in the last minute)`
      return {
        words: `${shardId === null ? '' : `${shardId}: `}${words}${again}`,
        shardId,
        importance,
        counts,
        now: kept !== null,
      }
    }
    return undefined
  }

  // How often it was kept back since it was last said; null: it is kept back again.
  #keep(key: string, now: number): number | null {
    const last = this.#said.get(key)
    if (last !== undefined && now - last.at < MINUTE) {
      last.kept += 1
      return null
    }
    this.#said.set(key, { at: now, kept: 0 })
    return last?.kept ?? 0
  }
}

interface Phrase {
  readonly pattern: RegExp
  readonly words: string
  readonly importance?: Translation['importance']
  readonly counts?: keyof WorkerCounts
}

// A shard's name; where several streams are read, the stream's stands in front of it.
const SHARD = '(?:\\S*:)?(?<shard>shardId-\\d+)'

const PHRASES: readonly Phrase[] = [
  {
    pattern: new RegExp(`^Worker \\S+ could not renew lease with key ${SHARD} on try .* due to capacity`),
    words: 'DynamoDB throttles the lease table, and the lease could not be renewed at once.',
    counts: 'dynamodbThrottles',
  },
  {
    pattern: new RegExp(`^${SHARD} : ProvisionedThroughputExceededException thrown while fetching`),
    words:
      'Kinesis throttles reads. All consumers of a shard without enhanced fan-out share 5 reads and 2 MB a second.',
    counts: 'kinesisThrottles',
  },
  {
    pattern: new RegExp(`^Shard '${SHARD}' has been throttled \\d+ consecutively`),
    words: 'Kinesis has throttled its reads several times in a row.',
  },
  {
    pattern: new RegExp(`^${SHARD} : {2}records threw ExpiredIteratorException`),
    words:
      'waited more than five minutes to be read on, because its batches take long. Nothing is lost: reading starts again behind the last batch.',
    counts: 'iteratorsExpired',
  },
  {
    pattern: new RegExp(`^${SHARD}: Last request was dispatched at .*, but no response as of`),
    words: 'Kinesis has not answered in time; reading starts again.',
  },
  {
    pattern: /^Detected same hole for /,
    words: 'The lease table has a hole: some shard has no lease. The KCL makes one by itself after a while.',
  },
  {
    pattern: /^No activities assigned/,
    words: 'No shard for this worker now: it is a spare.',
    importance: 'info',
  },
]

/** The parts of those lines that stand in the jar as they are, each with its class there. */
export const TEXTS_IN_THE_JAR: readonly (readonly [file: string, text: string])[] = [
  ['leases/dynamodb/DynamoDBLeaseRenewer', 'Worker {} lost lease with key {}'],
  ['leases/dynamodb/DynamoDBLeaseRenewer', 'Worker {} lost lease with key {} - discovered during update'],
  [
    'leases/dynamodb/DynamoDBLeaseRenewer',
    'Worker {} could not renew lease with key {} on try {} out of {} due to capacity',
  ],
  ['lifecycle/LeaseGracefulShutdownHandler', 'Calling graceful shutdown for lease {}'],
  [
    'retrieval/polling/PrefetchRecordsPublisher$DefaultGetRecordsCacheDaemon',
    '{} : ProvisionedThroughputExceededException thrown while fetching records from Kinesis',
  ],
  [
    'retrieval/polling/PrefetchRecordsPublisher$DefaultGetRecordsCacheDaemon',
    '{} :  records threw ExpiredIteratorException - restarting after greatest seqNum passed to customer',
  ],
  ['retrieval/ThrottlingReporter', "Shard '"],
  ['retrieval/ThrottlingReporter', "' has been throttled "],
  ['retrieval/ThrottlingReporter', ' consecutively'],
  ['lifecycle/ShardConsumerSubscriber', '{}: Last request was dispatched at {}, but no response as of {}'],
  ['coordinator/PeriodicShardSyncManager', 'Detected same hole for '],
  ['coordinator/Scheduler', 'No activities assigned'],
  ['coordinator/Scheduler', 'Initialization complete. Starting worker loop.'],
  ['coordinator/Scheduler', 'Current stream shard assignments: '],
  ['coordinator/Scheduler', 'Sleeping ...'],
]

const MINUTE = 60_000
