// Keys of other versions and other tools, and what became of them. The daemon ignores each without a word.

/** What to write instead of a key that is no longer one, or never was; undefined for any other. */
export function successorOf(key: string): string | undefined {
  return SUCCESSORS.get(key.replace(/[-_.]/g, '').toLowerCase())
}

const CLIENT =
  'The settings of a client are setters now, such as kinesisClient.overrideConfiguration.apiCallTimeout.'
const OWN_WAY = 'The daemon has no such setting any more; remove it.'
const SUCCESSORS = new Map(
  Object.entries({
    region: 'Write regionName.',
    awsRegion: 'Write regionName.',
    awsDefaultRegion: 'Write regionName.',
    stream: 'Write streamName.',
    kinesisStreamName: 'Write streamName.',
    application: 'Write applicationName.',
    appName: 'Write applicationName.',
    endpoint: 'Write kinesisEndpoint or dynamoDBEndpoint.',
    endpointUrl: 'Write kinesisEndpoint or dynamoDBEndpoint.',
    kinesisClientConfig: CLIENT,
    dynamoDBClientConfig: CLIENT,
    cloudWatchClientConfig: CLIENT,
    clientConfiguration: CLIENT,
    credentialsProvider: 'Write AwsCredentialsProvider.',
    dataFetchingStrategy: 'Write retrievalMode.',
    skipShardSyncAtStartupIfLeasesExist: 'Write skipShardSyncAtWorkerInitializationIfLeasesExist.',
    billingMode:
      'The lease table is billed on demand; workerMetricsBillingMode and coordinatorStateBillingMode are for the other two.',
    timestampAtInitialPositionInStream: 'Write initialPositionInStreamExtended, with epoch seconds.',
    initialPosition: 'Write initialPositionInStream.',
    userAgent: OWN_WAY,
    maxPendingProcessRecordsInput: OWN_WAY,
    maxConsecutiveRetriesBeforeThrottling: OWN_WAY,
    useTimeoutForGetRecords: OWN_WAY,
    recordsFetcherFactory: OWN_WAY,
    shardSyncStrategyType: OWN_WAY,
    leaseCleanupIntervalMillis: OWN_WAY,
    completedLeaseCleanupIntervalMillis: OWN_WAY,
    garbageLeaseCleanupIntervalMillis: OWN_WAY,
    leasesRecoveryAuditorExecutionFrequencyMillis: OWN_WAY,
    leasesRecoveryAuditorInconsistencyConfidenceThreshold: OWN_WAY,
  }).map(([key, words]) => [key.toLowerCase(), words] as const),
)
