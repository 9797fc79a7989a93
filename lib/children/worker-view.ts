// A worker and its shards at one moment: what /shards.json answers, and what the page, the terminal and the metrics
// are made from. Stable: fields may be added. Times are seconds, ages unless they are called otherwise.

import type { Counts } from '../report/snapshot.ts'
import type { ShardState } from './states.ts'
import type { Totals } from './totals.ts'

/** What a worker does as a whole. */
export type Phase = 'starting' | 'running' | 'draining' | 'restarting' | 'stopped'

/** Who a worker is; what is not known is null. */
export interface WorkerIdentity {
  readonly application: string | null
  readonly stream: string | null
  readonly worker: string | null
  readonly version: string
  /** The version of the daemon. */
  readonly kcl: string | null
}

export interface ShardView extends Counts {
  readonly shard: string
  readonly state: ShardState
  /** More than 30 s behind for five minutes, and not nearer at their end. */
  readonly fallingBehind: boolean
  readonly pid: number | null
  readonly version: string | null
  /** Age of the oldest record that has arrived in the stream and is not finished. */
  readonly lag: number | null
  /** Age of the oldest record that a crash would have delivered again. */
  readonly checkpointLag: number | null
  /** The daemon's own figure: how far the last batch was read behind the tip. */
  readonly readLag: number | null
  readonly recordsPerSecond: number
  readonly action: string | null
  readonly actionAge: number | null
  readonly noProgress: number
  readonly batch: { readonly size: number; readonly finished: number; readonly attempt: number } | null
  readonly unstored: number
  readonly storedAge: number | null
  readonly readAge: number | null
  readonly position: string | null
  /** Bytes; null for a consumer that does not report. */
  readonly memory: number | null
  readonly cpu: number | null
  readonly busy: number | null
  readonly lastError: string | null
  /** The last lines that the consumer wrote. */
  readonly log: readonly string[]
}

export interface WorkerView extends WorkerIdentity {
  /** ISO 8601. */
  readonly time: string
  readonly uptime: number
  readonly phase: Phase
  /** Why a restart would help; empty where all is well. */
  readonly live: readonly string[]
  /** Why there is no work yet; empty where there is. */
  readonly ready: readonly string[]
  /** The one to look at first comes first. */
  readonly shards: readonly ShardView[]
  /** Over all shards that this worker ever had. */
  readonly totals: Totals
  readonly daemonStarts: number
  /** Since the daemon wrote its last line; null where there is none. */
  readonly daemonSilence: number | null
  readonly leasesLost: { readonly handedOver: number; readonly lost: number }
  readonly consumerExits: { readonly done: number; readonly crashed: number; readonly killed: number }
  readonly throttles: { readonly kinesis: number; readonly dynamodb: number }
  readonly iteratorsExpired: number
  readonly lastError: { readonly shard: string; readonly text: string; readonly age: number } | null
}
