// A snapshot of a session that has just begun, with what a test cares about put in.

import { emptyHistogram, type Snapshot } from '../../lib/report/snapshot.ts'

type Parts = Partial<Omit<Snapshot, 'counts'>> & { readonly counts?: Partial<Snapshot['counts']> }

export function snapshotOf({ counts, ...parts }: Parts = {}): Snapshot {
  return {
    shard: 'shardId-000000000000',
    state: 'open',
    action: null,
    actionMs: null,
    progressMs: 0,
    readMs: 0,
    batch: null,
    lagMs: null,
    checkpointLagMs: null,
    behindMs: null,
    unstored: 0,
    storedMs: null,
    position: null,
    counts: {
      batches: 0,
      empty: 0,
      records: 0,
      bytes: 0,
      skipped: 0,
      retried: 0,
      checkpoints: 0,
      retries: 0,
      refusals: {},
      ...counts,
    },
    lastError: null,
    histograms: {
      batch: emptyHistogram('batch'),
      checkpoint: emptyHistogram('checkpoint'),
      latency: emptyHistogram('latency'),
    },
    ...parts,
  }
}
