// A snapshot of a session that has just begun, with what a test cares about put in.

import { NOTHING } from '../../lib/children/totals.ts'
import type { Snapshot } from '../../lib/report/snapshot.ts'

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
      ...NOTHING.counts,
      ...counts,
    },
    lastError: null,
    histograms: NOTHING.histograms,
    ...parts,
  }
}
