// A worker as the launcher would have it, on a clock that moves by hand, for those who show it.

import type { ShardState } from '../../lib/children/states.ts'
import { Worker } from '../../lib/children/worker.ts'
import type { ShardView } from '../../lib/children/worker-view.ts'
import type { Snapshot } from '../../lib/report/snapshot.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { snapshotOf } from './snapshot.ts'

type Parts = Parameters<typeof snapshotOf>[0]

export class TestWorker {
  readonly clock: ManualClock = new ManualClock()
  readonly told: string[] = []
  readonly worker: Worker

  constructor(stuckAfter = 600_000) {
    this.worker = new Worker({
      identity: { application: 'demo', stream: 'words', worker: 'w-1', version: '1.2.3', kcl: '3.1.3' },
      limits: { stuckAfter, starvingAfter: 75_000 },
      clock: this.clock,
      today: () => START + this.clock.now(),
      onState: ({ shard, state }: ShardView, before: ShardState | null) =>
        this.told.push(`${shard}: ${before ?? 'new'} → ${state}`),
    })
  }

  /** A snapshot comes in from the consumer with this pid. */
  report(shard: string, parts: Parts = {}, pid = 100, session = 0): void {
    const snapshot: Snapshot = snapshotOf({ shard, ...parts })
    const facts = { rss: 50_000_000, cpuMs: 1500, busy: 0.25 }
    this.worker.reported({
      shard,
      pid,
      session,
      version: '1.2.3',
      at: this.clock.now(),
      snapshot,
      process: facts,
    })
  }

  leave(shard: string, pid = 100, session = 0): void {
    this.worker.left({
      shard,
      pid,
      session,
      version: '1.2.3',
      at: this.clock.now(),
      snapshot: snapshotOf({ shard }),
      process: { rss: 0, cpuMs: 0, busy: 0 },
    })
  }

  /** Time passes, a second at a time, and the worker looks at each. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.advance(1000)
      this.worker.tick()
    }
  }

  shard(name: string): ShardView {
    const found = this.worker.view().shards.find(({ shard }) => shard === name)
    if (found === undefined) throw new Error(`${name} is not there`)
    return found
  }
}

const START = Date.UTC(2026, 0, 1)
