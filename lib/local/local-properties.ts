// The properties for a consumer on the local stack: short intervals, so that everything happens within seconds.

import { formatProperties } from '../launcher/configuration/properties.ts'

/** What the properties name. */
export interface LocalSettings {
  readonly streamName: string
  readonly applicationName: string
  readonly region: string
  readonly kinesisEndpoint: string
  readonly dynamoDBEndpoint: string
  /** Only where the leases were made out to a name that `run` would not choose by itself. */
  readonly workerIdentifier?: string | undefined
}

/** The text of a .properties file. */
export function localProperties(settings: LocalSettings): string {
  return formatProperties(Object.entries(localSettings(settings)))
}

/** The same as keys and values. */
export function localSettings(settings: LocalSettings): Record<string, string> {
  const { workerIdentifier } = settings
  return {
    streamName: settings.streamName,
    applicationName: settings.applicationName,
    regionName: settings.region,
    kinesisEndpoint: settings.kinesisEndpoint,
    dynamoDBEndpoint: settings.dynamoDBEndpoint,
    ...(workerIdentifier === undefined ? {} : { workerIdentifier }),
    metricsLevel: 'NONE',
    retrievalMode: 'POLLING',
    // Not shorter: on a busy machine a worker that renews its leases late would lose them.
    failoverTimeMillis: '5000',
    leaseAssignmentIntervalMillis: '500',
    shardSyncIntervalMillis: '1000',
    parentShardPollIntervalMillis: '500',
    idleTimeBetweenReadsInMillis: '250',
    skipShardSyncAtWorkerInitializationIfLeasesExist: 'true',
    workerMetricsReporterFreqInMillis: '1000',
    inMemoryWorkerMetricsCaptureFrequencyMillis: '500',
    // Leases are given out at once, but not traded back before a handover is over: the KCL may forget one that is. All
    // workers share this machine's CPU, and its noise is no reason to trade any.
    varianceBalancingFrequency: '20',
    disableWorkerMetrics: 'true',
  }
}
