// The catalogue, second part: how records are read and how shards' tasks are scheduled.

import type { Entry } from './entry.ts'

/** Properties of retrieval and of the work on a shard. */
export const readingKeys: Readonly<Record<string, Entry>> = {
  initialPositionInStream: {
    kind: 'enum',
    values: ['TRIM_HORIZON', 'LATEST'],
    note: 'Where a shard without a lease begins; where there is a lease, its checkpoint counts.',
    default: 'LATEST',
    field: 'initialPosition',
    trap: 'The default leaves out what is in the stream already. kcl-session defaults to TRIM_HORIZON, and takes LATEST for the time of its own start.',
  },
  initialPositionInStreamExtended: {
    kind: 'epochSeconds',
    note: 'A moment in epoch seconds where a shard without a lease begins.',
    field: 'initialPosition',
    trap: 'Milliseconds mean a moment thousands of years ahead, and nothing is read.',
  },
  retrievalMode: {
    kind: 'enum',
    values: ['DEFAULT', 'POLLING', 'FANOUT'],
    note: 'POLLING shares the stream with other readers; FANOUT has its own, and is billed per shard and hour.',
    default: 'DEFAULT, which is FANOUT',
    trap: 'DEFAULT becomes POLLING as soon as one polling property is set.',
  },
  maxRecords: {
    kind: 'integer',
    note: 'Most records per read, and so per batch.',
    default: '10000',
    min: 1,
    max: 10_000,
    trap: 'More than 10000 stops the daemon. Setting it makes retrievalMode DEFAULT mean POLLING.',
  },
  idleTimeBetweenReadsInMillis: {
    kind: 'long',
    note: 'The pause between two reads of a shard.',
    default: '1500',
    min: 0,
    trap: 'Reads are at least 200 ms apart whatever it says. Setting it makes retrievalMode DEFAULT mean POLLING.',
  },
  retryGetRecordsInSeconds: {
    kind: 'integer',
    note: 'When a read that does not answer is tried again.',
    boxed: true,
    min: 1,
  },
  maxGetRecordsThreadPool: { kind: 'integer', note: 'Threads for those tries.', boxed: true, min: 1 },
  millisBehindLatestThresholdForReducedTps: {
    kind: 'long',
    note: 'Nearer to the tip than this, reads are made less often.',
    default: '0',
    min: 0,
  },
  'fanoutConfig.consumerArn': { kind: 'arn', note: 'An existing fan-out consumer to use.' },
  'fanoutConfig.consumerName': {
    kind: 'text',
    note: 'The fan-out consumer, registered if it does not exist.',
    default: 'the applicationName',
  },
  'fanoutConfig.maxDescribeStreamSummaryRetries': {
    kind: 'integer',
    note: 'Tries to describe the stream.',
    default: '10',
    min: 1,
  },
  'fanoutConfig.maxDescribeStreamConsumerRetries': {
    kind: 'integer',
    note: 'Tries to describe the consumer.',
    default: '10',
    min: 1,
  },
  'fanoutConfig.registerStreamConsumerRetries': {
    kind: 'integer',
    note: 'Tries to register the consumer.',
    default: '10',
    min: 1,
  },
  'fanoutConfig.retryBackoffMillis': {
    kind: 'long',
    note: 'The pause between those tries.',
    default: '1000',
    min: 1,
  },
  callProcessRecordsEvenForEmptyRecordList: {
    kind: 'boolean',
    note: 'Sends an empty batch after a read without records, so that the tail of an idle shard is checkpointed.',
    default: 'false',
    trap: 'kcl-session defaults to true.',
  },
  taskBackoffTimeMillis: { kind: 'long', note: 'The pause after a failed task.', default: '500', min: 1 },
  logWarningForTaskAfterMillis: {
    kind: 'long',
    note: 'Logs a warning for tasks longer than this.',
    boxed: true,
    min: 0,
  },
  parentShardPollIntervalMillis: {
    kind: 'long',
    note: 'How often a shard asks whether its parents have ended.',
    default: '10000',
    min: 1,
  },
  skipShardSyncAtWorkerInitializationIfLeasesExist: {
    kind: 'boolean',
    note: 'Starts without listing the shards where leases exist.',
    default: 'false',
  },
  schedulerInitializationBackoffTimeMillis: {
    kind: 'long',
    note: 'The pause before another try to initialize.',
    default: '1000',
    min: 1,
  },
  shardSyncIntervalMillis: {
    kind: 'long',
    note: 'How often shards and leases are compared.',
    default: '60000',
    min: 1,
  },
  listShardsBackoffTimeInMillis: {
    kind: 'long',
    note: 'The pause between tries to list shards.',
    default: '1500',
    min: 1,
  },
  maxListShardsRetryAttempts: { kind: 'integer', note: 'Tries to list shards.', default: '50', min: 1 },
  ignoreUnexpectedChildShards: {
    kind: 'boolean',
    note: 'Goes on where a child shard has no parent in the lease table.',
    default: 'false',
  },
}
