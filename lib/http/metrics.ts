// A worker in the words of Prometheus (text format 0.0.4). Gauges of a shard vanish with its consumer; counters
// outlive it. Shards are a label of gauges and counters only: histograms with one would be too many series.
// Written by hand, because the figures come ready-made from other processes and only have to be printed. Pure.

import { STATES } from '../children/states.ts'
import type { ShardView, WorkerView } from '../children/worker-view.ts'
import { BUCKETS, type HistogramName } from '../report/snapshot.ts'

/** The type that the text is served as. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** The metrics of a worker. */
export function metricsText(worker: WorkerView): string {
  return [...shardFamilies(worker), ...workerFamilies(worker), ...histograms(worker)].map(familyText).join('')
}

interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  /** What follows the name of the family, in histograms. */
  readonly suffix?: string
  readonly value: number
}

function shardFamilies(worker: WorkerView): Family[] {
  const now = Date.parse(worker.time) / 1000
  const present = worker.shards.filter(({ state }) => state !== 'gone')
  const reporting = present.filter(({ memory }) => memory !== null)
  const each = (shards: readonly ShardView[], of: (shard: ShardView) => number | null): Sample[] =>
    shards.flatMap((shard) => {
      const value = of(shard)
      return value === null ? [] : [{ labels: { shard: shard.shard }, value }]
    })
  const gauge = (name: string, help: string, of: (shard: ShardView) => number | null): Family => ({
    name,
    type: 'gauge',
    help,
    samples: each(reporting, of),
  })
  const counter = (name: string, help: string, of: (shard: ShardView) => number): Family => ({
    name,
    type: 'counter',
    help,
    samples: each(worker.shards, of),
  })
  const ago = (age: number | null): number | null => (age === null ? null : round(now - age))
  return [
    gauge(
      'shard_lag_seconds',
      'Age of the oldest record that has arrived and is not finished.',
      (s) => s.lag,
    ),
    gauge(
      'shard_checkpoint_lag_seconds',
      'Age of the oldest record that a crash would have delivered again.',
      (s) => s.checkpointLag,
    ),
    gauge(
      'shard_read_lag_seconds',
      "The daemon's millisBehindLatest: how far the last batch was read behind the tip.",
      (s) => s.readLag,
    ),
    gauge('shard_in_hand_records', 'Records of the batch in hand that are not finished.', (s) =>
      s.batch === null ? 0 : s.batch.size - s.batch.finished,
    ),
    gauge('shard_unstored_records', 'Records finished and not stored by a checkpoint.', (s) => s.unstored),
    gauge('shard_action_seconds', 'Age of the action in hand; 0 between two.', (s) => s.actionAge ?? 0),
    gauge('shard_no_progress_seconds', 'Time with something in hand and no progress.', (s) => s.noProgress),
    gauge('shard_last_read_timestamp_seconds', 'When the last batch came, an empty one included.', (s) =>
      ago(s.readAge),
    ),
    gauge('shard_last_checkpoint_timestamp_seconds', 'When the last checkpoint was stored.', (s) =>
      ago(s.storedAge),
    ),
    counter('records_total', 'Records finished.', (s) => s.records),
    counter('bytes_total', 'Decoded data of the records finished.', (s) => s.bytes),
    counter('batches_total', 'Batches acknowledged.', (s) => s.batches),
    counter('checkpoints_total', 'Checkpoints stored.', (s) => s.checkpoints),
    ...processFamilies(reporting),
  ]
}

// A process that serves several shards is one process all the same: it then goes without the label.
function processFamilies(shards: readonly ShardView[]): Family[] {
  const processes = [...new Set(shards.map(({ pid }) => pid))].map((pid) => {
    const served = shards.filter((shard) => shard.pid === pid)
    return { first: served[0], labels: served.length === 1 ? { shard: served[0]?.shard ?? '' } : {} }
  })
  const family = (
    type: Family['type'],
    name: string,
    help: string,
    of: (shard: ShardView) => number | null,
  ): Family => ({
    name,
    type,
    help,
    samples: processes.map(({ first, labels }) => ({
      labels,
      value: first === undefined ? 0 : (of(first) ?? 0),
    })),
  })
  return [
    family('gauge', 'consumer_memory_bytes', "Resident memory of the consumer's process.", (s) => s.memory),
    family(
      'gauge',
      'consumer_event_loop_utilization_ratio',
      'The part of the time that the event loop was busy.',
      (s) => s.busy,
    ),
    family('counter', 'consumer_cpu_seconds_total', 'CPU time of the process.', (s) => s.cpu),
  ]
}

function workerFamilies(worker: WorkerView): Family[] {
  const { counts } = worker.totals
  const { leasesLost, consumerExits, throttles } = worker
  const gauge = (name: string, help: string, ...samples: Sample[]): Family => ({
    name,
    type: 'gauge',
    help,
    samples,
  })
  const counter = (name: string, help: string, ...samples: Sample[]): Family => ({
    name,
    type: 'counter',
    help,
    samples,
  })
  const identity = {
    application: worker.application ?? '',
    stream: worker.stream ?? '',
    worker: worker.worker ?? '',
    version: worker.version,
    kcl: worker.kcl ?? '',
  }
  const states = STATES.map((state) => ({
    labels: { state },
    value: worker.shards.filter((shard) => shard.state === state).length,
  }))
  const lastWord =
    worker.daemonSilence === null ? [] : [Date.parse(worker.time) / 1000 - worker.daemonSilence]
  return [
    gauge('info', 'Who this is.', { labels: identity, value: 1 }),
    gauge('shards', 'Shards of this worker by state.', ...states),
    gauge('live', '1 unless a restart would help.', { value: worker.live.length === 0 ? 1 : 0 }),
    gauge('ready', '1 while the daemon is at work.', { value: worker.ready.length === 0 ? 1 : 0 }),
    counter('daemon_starts_total', 'Starts of the daemon.', { value: worker.daemonStarts }),
    gauge(
      'daemon_last_word_timestamp_seconds',
      'When the daemon wrote its last line; it writes one each minute.',
      ...lastWord.map((value) => ({ value: round(value) })),
    ),
    counter(
      'leases_lost_total',
      'Leases that went to another worker.',
      { labels: { how: 'handed_over' }, value: leasesLost.handedOver },
      { labels: { how: 'lost' }, value: leasesLost.lost },
    ),
    counter(
      'consumer_exits_total',
      "Ends of consumers' processes.",
      { labels: { how: 'done' }, value: consumerExits.done },
      { labels: { how: 'crashed' }, value: consumerExits.crashed },
      { labels: { how: 'killed' }, value: consumerExits.killed },
    ),
    counter('checkpoint_refusals_total', 'Refused checkpoints.', ...refusals(counts.refusals)),
    counter('checkpoint_retries_total', 'Checkpoint tries after the first.', { value: counts.retries }),
    counter('records_skipped_total', 'Records finished without being worked on.', { value: counts.skipped }),
    counter('batches_retried_total', 'Attempts at a batch after the first.', { value: counts.retried }),
    counter(
      'throttles_total',
      'Times that a service said "too much", by the log of the daemon.',
      { labels: { service: 'kinesis' }, value: throttles.kinesis },
      { labels: { service: 'dynamodb' }, value: throttles.dynamodb },
    ),
    counter('iterators_expired_total', 'Shards that waited more than five minutes to be read.', {
      value: worker.iteratorsExpired,
    }),
  ]
}

function refusals(counts: Readonly<Record<string, number>>): Sample[] {
  const known = EXCEPTIONS.map((exception) => ({ labels: { exception }, value: counts[exception] ?? 0 }))
  const other = Object.entries(counts)
    .filter(([name]) => !EXCEPTIONS.includes(name))
    .reduce((sum, [, count]) => sum + count, 0)
  return [...known, { labels: { exception: 'other' }, value: other }]
}

function histograms({ totals }: WorkerView): Family[] {
  const family = (name: string, help: string, of: HistogramName): Family => {
    const values = totals.histograms[of]
    let seen = 0
    const buckets = [...BUCKETS[of].map(String), '+Inf'].map((le, at) => {
      seen += values[at] ?? 0
      return { suffix: '_bucket', labels: { le }, value: seen }
    })
    return {
      name,
      type: 'histogram',
      help,
      samples: [
        ...buckets,
        { suffix: '_sum', value: round(values.at(-1) ?? 0) },
        { suffix: '_count', value: seen },
      ],
    }
  }
  return [
    family('batch_duration_seconds', 'From the delivery of a batch to its acknowledgement.', 'batch'),
    family(
      'record_latency_seconds',
      "From a record's arrival in the stream until it is finished.",
      'latency',
    ),
    family(
      'checkpoint_duration_seconds',
      'From the first try of a checkpoint until it is stored.',
      'checkpoint',
    ),
  ]
}

function familyText({ name, type, help, samples }: Family): string {
  if (samples.length === 0) return ''
  const full = `${PREFIX}${name}`
  const lines = samples.map(({ labels = {}, suffix = '', value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`)
    return `${full}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
  })
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}

const PREFIX = 'kcl_session_'
const EXCEPTIONS: readonly string[] = [
  'ThrottlingException',
  'KinesisClientLibDependencyException',
  'ShutdownException',
  'InvalidStateException',
  'IllegalArgumentException',
]
