/**
 * The public names of kcl-session/testing. No logic.
 * @module kcl-session/testing
 */

export type { Finding } from '../daemon/conversation/findings.ts'
export { type TestRecord, type TestRecordFields, testRecord } from './delivery.ts'
export { ManualClock } from './manual-clock.ts'
export { TestDaemon, type TestDaemonOptions } from './test-daemon.ts'
export { TestWorker, type TestWorkerOptions } from './test-worker.ts'
