import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATES } from '../../lib/children/states.ts'
import { metricsText } from '../../lib/http/metrics.ts'
import { BUCKETS } from '../../lib/report/snapshot.ts'
import { readExposition, seriesValue } from '../helpers/exposition.ts'
import { TestWorker } from '../helpers/worker.ts'

test('a worker without a shard has its own families, all of them at nothing', () => {
  const run = new TestWorker()
  const families = readExposition(metricsText(run.worker.view()))
  const labels = { application: 'demo', stream: 'words', worker: 'w-1', version: '1.2.3', kcl: '3.1.3' }
  assert.equal(seriesValue(families, 'kcl_session_info', labels), 1)
  assert.equal(seriesValue(families, 'kcl_session_ready'), 0)
  assert.equal(seriesValue(families, 'kcl_session_live'), 1)
  assert.equal(families.get('kcl_session_shards')?.samples.length, STATES.length)
  for (const exception of ['ThrottlingException', 'other']) {
    assert.equal(seriesValue(families, 'kcl_session_checkpoint_refusals_total', { exception }), 0)
  }
  assert.equal(families.has('kcl_session_shard_lag_seconds'), false)
  const series = [...families.values()].reduce((sum, { samples }) => sum + samples.length, 0)
  assert.ok(series <= 110, `${series} series for a worker`)
})

test('a shard has sixteen series', () => {
  const run = new TestWorker()
  run.report('shardId-0', {
    action: 'processRecords',
    actionMs: 2000,
    lagMs: 1500,
    checkpointLagMs: 4000,
    behindMs: 0,
    readMs: 2000,
    storedMs: 9000,
    unstored: 7,
    batch: { size: 10, finished: 4, attempt: 1 },
    counts: { records: 44, bytes: 440, batches: 3, checkpoints: 2 },
  })
  run.clock.advance(1000)
  const families = readExposition(metricsText(run.worker.view()))
  const own = Object.fromEntries(
    [...families].flatMap(([name, { samples }]) =>
      samples
        .filter(({ labels }) => labels.shard === 'shardId-0')
        .map(({ value }) => [name.slice(12), value]),
    ),
  )
  const start = Date.UTC(2026, 0, 1) / 1000
  assert.deepEqual(own, {
    shard_lag_seconds: 2.5,
    shard_checkpoint_lag_seconds: 5,
    shard_read_lag_seconds: 0,
    shard_in_hand_records: 6,
    shard_unstored_records: 7,
    shard_action_seconds: 3,
    shard_no_progress_seconds: 1,
    shard_last_read_timestamp_seconds: start - 2,
    shard_last_checkpoint_timestamp_seconds: start - 9,
    records_total: 44,
    bytes_total: 440,
    batches_total: 3,
    checkpoints_total: 2,
    consumer_memory_bytes: 50_000_000,
    consumer_event_loop_utilization_ratio: 0.25,
    consumer_cpu_seconds_total: 1.5,
  })
})

test('the gauges of a shard vanish with its consumer, and its counters stay', () => {
  const run = new TestWorker()
  run.report('shardId-0', { lagMs: 5, counts: { records: 44 } })
  run.leave('shardId-0')
  const families = readExposition(metricsText(run.worker.view()))
  assert.equal(families.has('kcl_session_shard_lag_seconds'), false)
  assert.equal(families.has('kcl_session_consumer_memory_bytes'), false)
  assert.equal(seriesValue(families, 'kcl_session_records_total', { shard: 'shardId-0' }), 44)
  assert.equal(seriesValue(families, 'kcl_session_shards', { state: 'gone' }), 1)
})

test('a process that serves several shards is told once, without their names', () => {
  const run = new TestWorker()
  run.report('a', {}, 1, 0)
  run.report('b', {}, 1, 1)
  run.report('c', {}, 2, 0)
  const families = readExposition(metricsText(run.worker.view()))
  const labels = families.get('kcl_session_consumer_memory_bytes')?.samples.map((sample) => sample.labels)
  assert.deepEqual(labels, [{}, { shard: 'c' }])
})

test('a consumer that does not report has no figures, but a state', () => {
  const run = new TestWorker()
  run.worker.announced('a', 1)
  run.pass(10)
  const families = readExposition(metricsText(run.worker.view()))
  assert.equal(seriesValue(families, 'kcl_session_shards', { state: 'unreported' }), 1)
  assert.equal(families.has('kcl_session_shard_unstored_records'), false)
})

test('histograms count over all shards, and keep what those counted that are gone', () => {
  const run = new TestWorker()
  const batch = BUCKETS.batch.map(() => 0)
  const counted = [1, ...batch.slice(1), 2, 2000.5]
  const histograms = { batch: counted, checkpoint: [], latency: [] }
  run.report('a', { histograms }, 1)
  run.leave('a', 1)
  run.pass(300)
  run.report('b', { histograms }, 2)
  const families = readExposition(metricsText(run.worker.view()))
  const { samples = [] } = families.get('kcl_session_batch_duration_seconds') ?? {}
  assert.equal(samples.find(({ labels }) => labels.le === '0.005')?.value, 2)
  assert.equal(samples.find(({ labels }) => labels.le === '900')?.value, 2)
  assert.equal(samples.find(({ labels }) => labels.le === '+Inf')?.value, 6)
  assert.equal(samples.find(({ name }) => name.endsWith('_sum'))?.value, 4001)
})

test('names from outside cannot break the text', () => {
  const run = new TestWorker()
  run.worker.identify({ application: 'a"b\\c\nd' })
  const { samples = [] } = readExposition(metricsText(run.worker.view())).get('kcl_session_info') ?? {}
  assert.equal(samples[0]?.labels.application, 'a"b\\c\nd')
})

test('exceptions of unknown names are counted together', () => {
  const run = new TestWorker()
  run.report('a', { counts: { refusals: { ThrottlingException: 2, Odd: 1, Odder: 1 } } })
  const families = readExposition(metricsText(run.worker.view()))
  const refused = (exception: string): number | undefined =>
    seriesValue(families, 'kcl_session_checkpoint_refusals_total', { exception })
  assert.deepEqual([refused('ThrottlingException'), refused('other'), refused('Odd')], [2, 2, undefined])
})
