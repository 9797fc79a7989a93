// What the embedded daemon sees of its consumers, told to the worker that is shown.

import type { Worker } from '../../children/worker.ts'
import type { LeaseEnd } from '../lease/lease.ts'
import type { DaemonObserver } from './observer.ts'

/** Tells a worker of consumers that come and go, and of what they write. */
export function observerFor(worker: Worker): DaemonObserver {
  return {
    spawned: (shard, pid) => worker.announced(shard.id, pid),
    log: (shard, line) => shard !== null && worker.heard(shard.id, line),
    ended(shard, end) {
      worker.released(shard.id)
      worker.counts[EXITS[end]] += 1
      if (end === 'lost') worker.counts.lost += 1
    },
  }
}

const EXITS: Readonly<Record<LeaseEnd, 'done' | 'crashed' | 'killed'>> = {
  'shard-ended': 'done',
  drained: 'done',
  lost: 'done',
  broken: 'crashed',
  'cut-off': 'killed',
}
