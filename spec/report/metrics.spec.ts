import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import client from 'prom-client'
import { type KclSession, manual } from '../../lib/index.ts'
import { observeWithMeter, observeWithPrometheus } from '../../lib/report/metrics.ts'
import { records, SHARD, settle, Wire } from '../helpers/wire.ts'

test('prom-client tells what was consumed, how long it took, and the lag', async (t) => {
  const registry = new client.Registry()
  await work(t, (session) =>
    observeWithPrometheus(session, { client, registry, stream: 'words', application: 'demo' }),
  )
  const text = await registry.metrics()
  const always = `messaging_system="aws_kinesis",messaging_destination_name="words",messaging_consumer_group_name="demo",messaging_destination_partition_id="${SHARD}"`
  for (const line of [
    `messaging_client_consumed_messages_total{${always},messaging_operation_name="receive"} 3`,
    `messaging_process_duration_seconds_count{${always},messaging_operation_name="process"} 1`,
    `messaging_process_duration_seconds_count{${always},messaging_operation_name="process",error_type="_OTHER"} 1`,
    `messaging_client_operation_duration_seconds_count{${always},messaging_operation_name="checkpoint",messaging_operation_type="settle"} 1`,
    `messaging_client_operation_duration_seconds_count{${always},messaging_operation_name="checkpoint",messaging_operation_type="settle",error_type="IllegalArgumentException"} 1`,
  ]) {
    assert.ok(has(text, line), `${line} stands in:\n${text}`)
  }
  assert.match(text, /^kcl_session_shard_lag_seconds\{.*\} 0$/m)
  assert.match(text, /^kcl_session_shard_checkpoint_lag_seconds\{.*\} \d/m)
})

test('several sessions share the metrics of one registry, and one that is stopped is told of no more', async (t) => {
  const registry = new client.Registry()
  const stops: (() => void)[] = []
  for (const shard of ['a', 'b']) {
    await work(t, (session) => {
      const stop = observeWithPrometheus(session, { client, registry, labels: { kind: shard } })
      stops.push(stop)
      return stop
    })
  }
  const lags = async (): Promise<number> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('kcl_session_shard_lag_seconds{'))
      .length
  assert.equal(await lags(), 2)
  stops[0]?.()
  assert.equal(await lags(), 1)
})

test('a meter of OpenTelemetry gets the same, by the names and units of the conventions', async (t) => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  t.after(() => provider.shutdown())
  await work(t, (session) => observeWithMeter(session, provider.getMeter('spec'), { stream: 'words' }))
  await provider.forceFlush()
  const metrics = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
  assert.deepEqual(metrics.map(({ descriptor }) => [descriptor.name, descriptor.unit]).sort(), [
    ['kcl_session.shard.checkpoint_lag', 's'],
    ['kcl_session.shard.lag', 's'],
    ['messaging.client.consumed.messages', '{message}'],
    ['messaging.client.operation.duration', 's'],
    ['messaging.process.duration', 's'],
  ])
  const points = (name: string): unknown[] =>
    metrics
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => [attributes, value]))
  assert.deepEqual(points('messaging.client.consumed.messages'), [
    [
      {
        'messaging.system': 'aws_kinesis',
        'messaging.destination.name': 'words',
        'messaging.destination.partition.id': SHARD,
        'messaging.operation.name': 'receive',
      },
      3,
    ],
  ])
  const kinds = points('messaging.process.duration').map(
    (point) => (point as [Record<string, string>])[0]['error.type'],
  )
  assert.deepEqual(kinds, ['_OTHER', undefined])
})

// A batch of three is left once, worked on, and its checkpoint refused, then stored.
async function work(t: TestContext, observe: (session: KclSession) => () => void): Promise<void> {
  const wire = new Wire(t, { policy: manual() })
  t.after(observe(wire.session))
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  await wire.said()
  wire.deliver(records(3))
  await first
  await loop.return?.()
  const again = wire.session.batches()
  const { value: batch } = await again.next()
  batch?.skipRest()
  for (const error of ['IllegalArgumentException', null]) {
    const stored = batch?.checkpoint(batch.records[error === null ? 0 : 1]).catch(() => false)
    wire.answer(await wire.said(), error)
    await stored
  }
  void again.next()
  await settle()
}

// Labels come in the order in which prom-client keeps them.
function has(text: string, wanted: string): boolean {
  const parts = (line: string): string => {
    const [, name = '', labels = '', value = ''] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? []
    return JSON.stringify([name, labels.split(',').sort(), value])
  }
  return text.split('\n').some((line) => parts(line) === parts(wanted))
}
