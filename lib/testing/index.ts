// The public names of kcl-session/testing. No logic.

export type { Finding } from '../daemon/conversation/findings.ts'
export { ManualClock } from './manual-clock.ts'
export { TestDaemon, type TestDaemonOptions, type TestRecord, type TestRecordFields } from './test-daemon.ts'
