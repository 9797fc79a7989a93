// A session's figures as metrics of a meter of `@opentelemetry/api`, which the user brings.

import {
  attributesOf,
  BOUNDARIES,
  CHECKPOINT_LAG,
  CONSUMED,
  follow,
  LAG,
  type Labels,
  type MetricsNames,
  type ObservedSession,
  OPERATION,
  PROCESS,
  shardOf,
} from './instruments.ts'

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

interface InstrumentOptions {
  readonly unit: string
  readonly description: string
}

interface ObservableGauge {
  addCallback(callback: (result: { observe(value: number, attributes: Labels): void }) => void): void
  removeCallback(callback: (result: { observe(value: number, attributes: Labels): void }) => void): void
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
