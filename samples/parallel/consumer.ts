// Many records at once: a downstream that takes 5 ms for each, 64 of them at a time, those of one key in their order.
// No position is stored past a record that is not finished.
import { setTimeout } from 'node:timers/promises'
import { KclSession } from 'kcl-session'

const session = new KclSession()
let atOnce = 0
let most = 0

await session.forEach(
  async (_record, _batch, { signal }) => {
    atOnce += 1
    most = Math.max(most, atOnce)
    try {
      await setTimeout(5, undefined, { signal }) // Stands for a request; the signal ends it when another has failed.
    } finally {
      atOnce -= 1
    }
  },
  { concurrency: 64 },
)
console.log(`${session.shard?.shardId}: ${session.stats.records} records, at most ${most} at once`)
