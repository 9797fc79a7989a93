// What `dev` reads from, a file or a stream: its shards and records, where its checkpoints are, and how it goes on.

import type { Daemon } from '../daemon/daemon.ts'
import type { LeaseTable } from '../daemon/lease/lease-table.ts'
import type { RecordReader, ShardStream } from '../daemon/stream/stream.ts'
import type { DaemonObserver } from '../daemon/watch/observer.ts'

/** Where records come from. */
export interface DevSource {
  /** The file, or the stream. */
  readonly name: string
  readonly stream: ShardStream
  readonly reader: RecordReader
  readonly table: LeaseTable
  /** Whether there may be more than is there from the start: then an idle shard gets empty batches. */
  readonly isLive: boolean
  /** What the end means for a shard: its end, or that the lease is given back. */
  readonly atEnd: 'end-shard' | 'drain'
  /** Told what the daemon does, where the source wants to know. */
  readonly observer: DaemonObserver
  /** Hands over what comes, to its end or `stop()`; `note` is told what is waited for. Does not throw. */
  feed(daemon: Daemon, note: (text: string) => void): Promise<void>
  stop(): void
  /** Gives back what is open. */
  close(): void
}
