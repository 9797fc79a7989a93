// The catalogue, third part: leases, their three tables, and how workers share them.

import type { Entry } from './entry.ts'

const BILLING = ['PAY_PER_REQUEST', 'PROVISIONED']

function tableKeys(prefix: string, table: string): Record<string, Entry> {
  return {
    [`${prefix}TableName`]: {
      kind: 'text',
      note: `The ${table} table.`,
      default: `the applicationName and -${capital(table)}`,
    },
    [`${prefix}BillingMode`]: {
      kind: 'enum',
      values: BILLING,
      note: `How the ${table} table is billed.`,
      default: 'PAY_PER_REQUEST',
    },
    [`${prefix}ReadCapacity`]: {
      kind: 'long',
      note: `Read units of the ${table} table, with PROVISIONED.`,
      min: 1,
    },
    [`${prefix}WriteCapacity`]: {
      kind: 'long',
      note: `Write units of the ${table} table, with PROVISIONED.`,
      min: 1,
    },
    [`${prefix}PointInTimeRecoveryEnabled`]: {
      kind: 'boolean',
      note: `Point-in-time recovery of the ${table} table.`,
      default: 'false',
      boxed: true,
    },
    [`${prefix}DeletionProtectionEnabled`]: {
      kind: 'boolean',
      note: `Deletion protection of the ${table} table.`,
      default: 'false',
      boxed: true,
    },
    [`${prefix}Tags`]: {
      kind: 'tags',
      note: `Tags of the ${table} table, as key=value with commas between.`,
    },
  }
}

function capital(table: string): string {
  return table
    .split(' ')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** Properties of leases, of the tables and of the balance between workers. */
export const leaseKeys: Readonly<Record<string, Entry>> = {
  failoverTimeMillis: {
    kind: 'long',
    note: 'A lease that was not renewed for this long is free for other workers.',
    default: '10000',
    min: 78,
    trap: 'The daemon waits this long once more at the end of every orderly stop; kcl-session does not wait for it.',
  },
  leaseAssignmentIntervalMillis: {
    kind: 'long',
    note: 'How often leases are dealt out to workers.',
    default: '2 × failoverTimeMillis',
    min: 1,
    max: 2_147_483_647,
  },
  maxLeasesForWorker: {
    kind: 'integer',
    note: 'Most shards that this worker takes.',
    default: 'no limit',
    min: 1,
  },
  maxLeasesToStealAtOneTime: {
    kind: 'integer',
    note: 'Most leases taken from others at a time.',
    default: '1',
    min: 1,
  },
  maxLeaseRenewalThreads: { kind: 'integer', note: 'Threads that renew leases.', default: '20', min: 2 },
  enablePriorityLeaseAssignment: {
    kind: 'boolean',
    note: 'Deals out leases that expired long ago first.',
    default: 'true',
    boxed: true,
  },
  cleanupLeasesUponShardCompletion: {
    kind: 'boolean',
    note: "Removes an ended shard's lease once its children have started.",
    default: 'true',
    trap: "false has no effect: it equals Java's own default, and such values are not applied.",
  },
  initialLeaseTableReadCapacity: {
    kind: 'integer',
    note: 'Read units of the lease table.',
    noEffect: { remedy: 'Remove it: the lease table is billed on demand.' },
    min: 1,
  },
  initialLeaseTableWriteCapacity: {
    kind: 'integer',
    note: 'Write units of the lease table.',
    noEffect: { remedy: 'Remove it: the lease table is billed on demand.' },
    min: 1,
  },
  leaseTableDeletionProtectionEnabled: {
    kind: 'boolean',
    note: 'Deletion protection of the lease table.',
    default: 'false',
    boxed: true,
  },
  leaseTablePitrEnabled: {
    kind: 'boolean',
    note: 'Point-in-time recovery of the lease table.',
    default: 'false',
    boxed: true,
  },
  leaseTableScanTotalSegments: {
    kind: 'integer',
    note: 'Parallel scans of the lease table.',
    noEffect: { remedy: 'Remove it: multilang 3.1.3 has no such property, and chooses the number itself.' },
  },
  isGracefulLeaseHandoffEnabled: {
    kind: 'boolean',
    note: 'Lets a worker finish and checkpoint before its lease goes to another.',
    default: 'true',
    boxed: true,
  },
  gracefulLeaseHandoffTimeoutMillis: {
    kind: 'long',
    note: 'How long such a handover may take.',
    default: '30000',
    boxed: true,
    min: 0,
  },
  inMemoryWorkerMetricsCaptureFrequencyMillis: {
    kind: 'long',
    note: "How often a worker's load is measured.",
    default: '1000',
    min: 1,
  },
  workerMetricsReporterFreqInMillis: {
    kind: 'long',
    note: 'How often that load is written.',
    default: '30000',
    min: 1,
  },
  noOfPersistedMetricsPerWorkerMetrics: {
    kind: 'integer',
    note: 'How many measurements are kept.',
    default: '10',
    min: 1,
  },
  disableWorkerMetrics: {
    kind: 'boolean',
    note: 'Shares leases by throughput alone.',
    default: 'false',
    boxed: true,
  },
  maxThroughputPerHostKBps: {
    kind: 'decimal',
    note: 'Most throughput given to one worker.',
    default: 'no limit',
    min: 0,
  },
  dampeningPercentage: {
    kind: 'integer',
    note: 'How much of an imbalance is moved at a time.',
    default: '60',
    min: 1,
    max: 100,
  },
  reBalanceThresholdPercentage: {
    kind: 'integer',
    note: 'Imbalance above which leases move.',
    default: '10',
    min: 1,
    max: 100,
  },
  allowThroughputOvershoot: {
    kind: 'boolean',
    note: 'May move a little more than needed.',
    default: 'true',
    boxed: true,
  },
  varianceBalancingFrequency: {
    kind: 'integer',
    note: 'Balances at every n-th assignment.',
    default: '3',
    min: 1,
  },
  workerMetricsEMAAlpha: {
    kind: 'decimal',
    note: 'Weight of the newest measurement.',
    default: '0.5',
    min: 0,
    max: 1,
  },
  staleWorkerMetricsEntryCleanupDuration: {
    kind: 'duration',
    note: 'When the measurements of a worker that is gone are removed, in ISO 8601.',
    default: 'P1D',
  },
  ...tableKeys('workerMetrics', 'worker metric stats'),
  ...tableKeys('coordinatorState', 'coordinator state'),
}
