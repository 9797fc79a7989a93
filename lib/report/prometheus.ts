// A session's figures as metrics of prom-client, which the user brings.

import {
  attributesOf,
  BOUNDARIES,
  CHECKPOINT_LAG,
  CONSUMED,
  follow,
  LAG,
  type Labels,
  type Metric,
  type MetricsNames,
  type ObservedSession,
  OPERATION,
  PROCESS,
  shardOf,
} from './instruments.ts'

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
