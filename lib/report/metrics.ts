// `kcl-session/metrics`: a session's figures as metrics of prom-client or OpenTelemetry, by the names and units of its
// conventions for messaging. Neither is a dependency: the user brings the library, and these are its shapes.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { now } from '../timers.ts'
import type { BatchTrace, CheckpointTrace } from './channels.ts'

/** What is observed: a `KclSession`. */
export interface ObservedSession {
  readonly shard: { readonly shardId: string } | null
  readonly stats: { readonly lag: number | null; readonly checkpointLag: number | null }
}

/** What is not on the wire; where `kcl-session run` has started the process, it is known. */
export interface MetricsNames {
  readonly stream?: string | undefined
  readonly application?: string | undefined
}

/** Of prom-client, as far as it is needed. */
export interface PrometheusClient {
  readonly Counter: new (configuration: never) => { inc(labels: Labels, value: number): void }
  readonly Histogram: new (configuration: never) => { observe(labels: Labels, value: number): void }
  readonly Gauge: new (configuration: never) => { set(labels: Labels, value: number): void; reset(): void }
  readonly register: PrometheusRegistry
}

/** A registry of prom-client. */
export interface PrometheusRegistry {
  getSingleMetric(name: string): unknown
}

export interface PrometheusOptions extends MetricsNames {
  /** The module `prom-client`. */
  readonly client: PrometheusClient
  /** Its default registry, unless another is given. */
  readonly registry?: PrometheusRegistry | undefined
  /** More labels, the same at each call for one registry. */
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** A meter of `@opentelemetry/api`, as far as it is needed. */
export interface OpenTelemetryMeter {
  createCounter(name: string, options: InstrumentOptions): { add(value: number, attributes: Labels): void }
  createHistogram(
    name: string,
    options: InstrumentOptions & { advice: { explicitBucketBoundaries: number[] } },
  ): { record(value: number, attributes: Labels): void }
  createObservableGauge(name: string, options: InstrumentOptions): ObservableGauge
}

export interface MeterOptions extends MetricsNames {
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

type Labels = Record<string, string>

interface InstrumentOptions {
  readonly unit: string
  readonly description: string
}

interface ObservableGauge {
  addCallback(callback: (result: { observe(value: number, attributes: Labels): void }) => void): void
  removeCallback(callback: (result: { observe(value: number, attributes: Labels): void }) => void): void
}

/** Observes a session with prom-client; the returned function stops that. */
export function observeWithPrometheus(session: ObservedSession, options: PrometheusOptions): () => void {
  const { client, registry = client.register, labels = {} } = options
  const constant = { ...attributesOf(options), ...labels }
  const make = <T>(
    Kind: new (configuration: never) => T,
    { name, description, more }: Metric,
    extra = {},
  ): T => {
    const full = prometheusName(name)
    const labelNames = [...Object.keys(constant), ...more].map(prometheusName)
    const configuration = { name: full, help: description, labelNames, registers: [registry], ...extra }
    return (registry.getSingleMetric(full) as T | undefined) ?? new Kind(configuration as never)
  }
  const named = (attributes: Labels): Labels =>
    Object.fromEntries(
      Object.entries({ ...constant, ...attributes }).map(([name, value]) => [prometheusName(name), value]),
    )
  const consumed = make(client.Counter, { ...CONSUMED, name: `${CONSUMED.name}.total` })
  const seconds = { buckets: [...BOUNDARIES] }
  const process = make(client.Histogram, { ...PROCESS, name: `${PROCESS.name}.seconds` }, seconds)
  const operation = make(client.Histogram, { ...OPERATION, name: `${OPERATION.name}.seconds` }, seconds)
  const stopGauges = [LAG, CHECKPOINT_LAG].map((gauge) => {
    const sessions = sessionsOf(registry, gauge.name)
    const made: { set(labels: Labels, value: number): void; reset(): void } = make(
      client.Gauge,
      { ...gauge, name: `${gauge.name}.seconds` },
      {
        collect: () => {
          made.reset()
          for (const [each, name] of sessions) {
            const value = gauge.of(each)
            if (value !== null) made.set(name(shardOf(each)), value)
          }
        },
      },
    )
    sessions.set(session, named)
    return () => sessions.delete(session)
  })
  const stop = follow(session, {
    consumed: (count, attributes) => consumed.inc(named(attributes), count),
    processed: (time, attributes) => process.observe(named(attributes), time),
    stored: (time, attributes) => operation.observe(named(attributes), time),
  })
  return () => {
    stop()
    for (const stopGauge of stopGauges) stopGauge()
  }
}

/** Observes a session with a meter of OpenTelemetry; the returned function stops that. */
export function observeWithMeter(
  session: ObservedSession,
  meter: OpenTelemetryMeter,
  options: MeterOptions = {},
): () => void {
  const constant = { ...attributesOf(options), ...options.attributes }
  const seconds = { unit: 's', advice: { explicitBucketBoundaries: [...BOUNDARIES] } }
  const consumed = meter.createCounter(CONSUMED.name, {
    unit: '{message}',
    description: CONSUMED.description,
  })
  const process = meter.createHistogram(PROCESS.name, { ...seconds, description: PROCESS.description })
  const operation = meter.createHistogram(OPERATION.name, { ...seconds, description: OPERATION.description })
  const stopGauges = [LAG, CHECKPOINT_LAG].map(({ name, description, of }) => {
    const gauge = meter.createObservableGauge(name, { unit: 's', description })
    const callback = (result: { observe(value: number, attributes: Labels): void }): void => {
      const value = of(session)
      if (value !== null) result.observe(value, { ...constant, ...shardOf(session) })
    }
    gauge.addCallback(callback)
    return () => gauge.removeCallback(callback)
  })
  const stop = follow(session, {
    consumed: (count, attributes) => consumed.add(count, { ...constant, ...attributes }),
    processed: (time, attributes) => process.record(time, { ...constant, ...attributes }),
    stored: (time, attributes) => operation.record(time, { ...constant, ...attributes }),
  })
  return () => {
    stop()
    for (const stopGauge of stopGauges) stopGauge()
  }
}

interface Metric {
  readonly name: string
  readonly description: string
  /** Attributes besides those that are always there. */
  readonly more: readonly string[]
}

interface Gauge extends Metric {
  readonly of: (session: ObservedSession) => number | null
}

interface Follower {
  consumed(count: number, attributes: Labels): void
  processed(seconds: number, attributes: Labels): void
  stored(seconds: number, attributes: Labels): void
}

// Hears the events of one session among those of all.
function follow(session: ObservedSession, follower: Follower): () => void {
  const since = new WeakMap<object, number>()
  const ours = <T extends { readonly session: object }>(
    on: (event: T) => void,
  ): ((message: unknown, name: string | symbol) => void) => {
    return (message) => {
      const event = message as T
      if (event.session === session) on(event)
    }
  }
  const elapsed = (event: object): number => (now() - (since.get(event) ?? now())) / 1000
  const listeners: readonly (readonly [string, ReturnType<typeof ours>])[] = [
    [
      'tracing:kcl-session:batch:start',
      ours<BatchTrace>((batch) => {
        since.set(batch, now())
        const attributes = { ...shardOf(session), 'messaging.operation.name': 'receive' }
        if (batch.attempt === 1) follower.consumed(batch.size, attributes)
      }),
    ],
    [
      'tracing:kcl-session:batch:asyncEnd',
      ours<BatchTrace>((batch) => {
        const attributes = { ...shardOf(session), 'messaging.operation.name': 'process' }
        follower.processed(elapsed(batch), { ...attributes, ...errorOf(batch, batch.result === undefined) })
      }),
    ],
    [
      'tracing:kcl-session:checkpoint:start',
      ours<CheckpointTrace>((checkpoint) => since.set(checkpoint, now())),
    ],
    [
      'tracing:kcl-session:checkpoint:asyncEnd',
      ours<CheckpointTrace>((checkpoint) => {
        const attributes = {
          ...shardOf(session),
          'messaging.operation.name': 'checkpoint',
          'messaging.operation.type': 'settle',
        }
        follower.stored(elapsed(checkpoint), { ...attributes, ...errorOf(checkpoint, 'error' in checkpoint) })
      }),
    ],
  ]
  for (const [name, listener] of listeners) subscribe(name, listener)
  return () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener)
  }
}

function errorOf({ error }: { readonly error?: unknown }, failed: boolean): Labels {
  if (!failed) return {}
  const { exception, name } = (error ?? {}) as { exception?: unknown; name?: unknown }
  return {
    'error.type': typeof exception === 'string' ? exception : typeof name === 'string' ? name : '_OTHER',
  }
}

function attributesOf({ stream, application }: MetricsNames): Labels {
  const { KCL_SESSION_STREAM, KCL_SESSION_APPLICATION } = process.env
  const [destination, group] = [stream ?? KCL_SESSION_STREAM, application ?? KCL_SESSION_APPLICATION]
  return {
    'messaging.system': 'aws_kinesis',
    ...(destination ? { 'messaging.destination.name': destination } : {}),
    ...(group ? { 'messaging.consumer.group.name': group } : {}),
  }
}

function shardOf({ shard }: ObservedSession): Labels {
  return { [PARTITION]: shard?.shardId ?? '' }
}

function prometheusName(name: string): string {
  return name.replaceAll('.', '_')
}

// The sessions that one gauge of a registry tells of.
function sessionsOf(registry: object, name: string): Map<ObservedSession, (attributes: Labels) => Labels> {
  const gauges = registries.get(registry) ?? new Map()
  registries.set(registry, gauges)
  const sessions = gauges.get(name) ?? new Map()
  gauges.set(name, sessions)
  return sessions
}

const registries = new WeakMap<object, Map<string, Map<ObservedSession, (attributes: Labels) => Labels>>>()
const PARTITION = 'messaging.destination.partition.id'
const CONSUMED: Metric = {
  name: 'messaging.client.consumed.messages',
  description: 'Records that were delivered.',
  more: [PARTITION, 'messaging.operation.name'],
}
const PROCESS: Metric = {
  name: 'messaging.process.duration',
  description: 'From the hand-out of a batch until the next one is asked for.',
  more: [PARTITION, 'messaging.operation.name', 'error.type'],
}
const OPERATION: Metric = {
  name: 'messaging.client.operation.duration',
  description: 'From the first try of a checkpoint until it is stored or given up.',
  more: [PARTITION, 'messaging.operation.name', 'messaging.operation.type', 'error.type'],
}
const LAG: Gauge = {
  name: 'kcl_session.shard.lag',
  description: 'Age of the oldest record that has arrived and is not finished.',
  more: [PARTITION],
  of: ({ stats }) => (stats.lag === null ? null : stats.lag / 1000),
}
const CHECKPOINT_LAG: Gauge = {
  name: 'kcl_session.shard.checkpoint_lag',
  description: 'Age of the oldest record that a crash would have delivered again.',
  more: [PARTITION],
  of: ({ stats }) => (stats.checkpointLag === null ? null : stats.checkpointLag / 1000),
}
// The advice of the conventions.
const BOUNDARIES: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
