// The catalogue, first part: what to run, on which stream, as whom and against which endpoints.

import type { Entry } from './entry.ts'

/** Properties of the application, its identity, credentials, endpoints and shutdown. */
export const applicationKeys: Readonly<Record<string, Entry>> = {
  executableName: {
    kind: 'command',
    note: 'The consumer, started once per shard. With kcl-session it is usually given after `--`.',
    trap: 'Split on spaces: no quotes, no escapes, no shell.',
  },
  applicationName: {
    kind: 'text',
    note: 'Names the application: the lease table, the metrics and the fan-out consumer are called after it.',
  },
  streamName: { kind: 'text', note: 'The stream to read.', field: 'stream' },
  streamArn: {
    kind: 'arn',
    note: 'The stream to read, by its ARN; it takes precedence over streamName.',
    field: 'stream',
    trap: 'Only the name in it is used: the stream of that name in your own account and region is read.',
  },
  tableName: { kind: 'text', note: 'The lease table.', default: 'the applicationName' },
  workerIdentifier: {
    kind: 'text',
    note: 'Names this worker in the lease table. Two live daemons of one name fight over every lease in silence.',
    default: 'a random UUID',
    aliases: ['workerId'],
    trap: 'With a new name after a kill -9, nobody consumes for about two minutes. kcl-session gives a safe, stable one.',
  },
  processingLanguage: { kind: 'text', note: 'Once part of the user agent.', noEffect: 'harmless' },
  maxActiveThreads: {
    kind: 'integer',
    note: 'The size of a fixed thread pool; 0 means as many as are needed.',
    default: '0',
    min: 0,
    trap: 'One pool for the scheduler and three threads per shard: below 2 + 2 × shards it deadlocks in silence.',
  },
  AwsCredentialsProvider: {
    kind: 'credentials',
    note: 'Where credentials come from: class names of the SDK 2.x with commas between, arguments as `Name|argument|key=value`.',
    secret: true,
    trap: 'Class names of the SDK 1.x fail, and arguments stand in plain text. kcl-session defaults to DefaultCredentialsProvider.',
  },
  AwsCredentialsProviderDynamoDB: {
    kind: 'credentials',
    note: 'The credentials for the lease tables.',
    default: 'the AwsCredentialsProvider',
    secret: true,
  },
  AwsCredentialsProviderCloudWatch: {
    kind: 'credentials',
    note: 'The credentials for the metrics.',
    default: 'the AwsCredentialsProvider',
    secret: true,
  },
  regionName: {
    kind: 'region',
    note: 'The region of all three clients.',
    default: 'AWS_REGION, the profile or the instance',
    trap: 'Set together with kinesisClient.region, an arbitrary one of the two wins.',
  },
  kinesisEndpoint: { kind: 'url', note: 'Another endpoint for Kinesis, with http:// or https://.' },
  dynamoDBEndpoint: { kind: 'url', note: 'Another endpoint for DynamoDB, with http:// or https://.' },
  dynamoDBRegionName: {
    kind: 'region',
    note: 'Not a property of this daemon.',
    noEffect: { remedy: 'Use dynamoDbClient.region.' },
  },
  cloudWatchRegionName: {
    kind: 'region',
    note: 'Not a property of this daemon.',
    noEffect: { remedy: 'Use cloudWatchClient.region.' },
  },
  shutdownGraceMillis: {
    kind: 'long',
    note: 'How long the daemon drains after SIGTERM.',
    default: '0, which is no drain at all',
    min: 0,
    trap: 'When a consumer crashes, the daemon waits this whole time before it exits. kcl-session derives it from --stop-timeout.',
  },
  timeoutInSeconds: {
    kind: 'integer',
    note: 'How long a consumer may take for one action before the whole daemon halts.',
    default: 'no limit',
    min: 1,
    boxed: true,
    trap: 'It halts without a drain, and the consumers are told nothing; the clock restarts at every checkpoint.',
  },
  clientVersionConfig: {
    kind: 'enum',
    values: ['CLIENT_VERSION_CONFIG_3X', 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X'],
    note: 'Whether workers of KCL 2.x may still run beside this one.',
    default: 'CLIENT_VERSION_CONFIG_3X',
  },
  validateSequenceNumberBeforeCheckpointing: {
    kind: 'boolean',
    note: 'A check of KCL 1.x that is no longer there.',
    noEffect: 'harmless',
  },
  metricsLevel: {
    kind: 'enum',
    values: ['NONE', 'SUMMARY', 'DETAILED'],
    note: 'How much goes to CloudWatch.',
    default: 'DETAILED',
    trap: "No property reaches CloudWatch's endpoint but cloudWatchClient.endpointOverride: use NONE on a local stack.",
  },
  metricsEnabledDimensions: { kind: 'list', note: 'Dimensions sent, with commas between.', default: 'all' },
  metricsBufferTimeMillis: {
    kind: 'long',
    note: 'How long metrics are gathered before they are sent.',
    default: '10000',
    min: 1,
  },
  metricsMaxQueueSize: {
    kind: 'integer',
    note: 'How many metrics wait to be sent.',
    default: '10000',
    min: 1,
  },
}
