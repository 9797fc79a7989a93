// What `run` was told.

import type { ConsumerProtocol } from '../children/command.ts'
import type { Worker } from '../children/worker.ts'
import type { Configuration } from './configuration/configuration.ts'
import type { StopSignals } from './machine/signals.ts'
import type { LogLevel, Reporter } from './supervision/reporter.ts'

/** What `run` was told. Times are milliseconds. */
export interface LaunchOptions {
  readonly configuration: Configuration
  readonly strict: boolean
  /** Whether AWS is asked about the stream and the lease table first. */
  readonly preflight: boolean
  readonly jars?: string | undefined
  readonly patchedJars?: readonly string[] | undefined
  /** What Java loads in front of the daemon's jars. */
  readonly classPath: readonly string[]
  /** A logback file that ours includes. */
  readonly logback?: string | undefined
  /** Prints how the daemon would be started, and starts nothing. */
  readonly dryRun?: boolean | undefined
  readonly protocol?: ConsumerProtocol | undefined
  readonly javaOptions: readonly string[]
  readonly logLevel: LogLevel
  readonly stopTimeout: number
  readonly startTimeout: number
  readonly restart: boolean
  /** Whether one process is to serve all shards, where that can be. */
  readonly shared?: boolean | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly reporter: Reporter
  readonly signals: StopSignals
  /** Is told what is seen of the consumers and of the daemon. */
  readonly worker: Worker
  /** What consumers need in their environment to report. */
  readonly reports: Readonly<Record<string, string>>
  readonly exitOnStuck: boolean
}
