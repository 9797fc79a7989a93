/**
 * `kcl-session/metrics`: a session's figures as metrics of prom-client or OpenTelemetry. Neither is a dependency: the user brings the library, and what is needed of it is described as a shape.
 * @module kcl-session/metrics
 */

export type { MetricsNames, ObservedSession } from './instruments.ts'
export { type MeterOptions, type OpenTelemetryMeter, observeWithMeter } from './open-telemetry.ts'
export {
  observeWithPrometheus,
  type PrometheusClient,
  type PrometheusOptions,
  type PrometheusRegistry,
} from './prometheus.ts'
