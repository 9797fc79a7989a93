// Every shard of the worker in one process: what is counted here is counted for all of them.
import { eachShard, everyRecords } from 'kcl-session'

let strong = 0
await eachShard(
  async (session) => {
    for await (const batch of session.batches()) {
      for await (const record of batch) {
        const { magnitude } = record.json<{ magnitude: number | null }>()
        if (magnitude !== null && magnitude >= 4.5) strong += 1
      }
    }
    // Told as a line of this shard, whose handler is over.
    console.log('done')
  },
  {
    policy: everyRecords(100),
    onError: (_error, _session, attempt) => (attempt < 3 ? 'retry' : 'stop'),
  },
)
// No shard is left, and none will come: time to close what all of them used.
console.log(`strong: ${strong}`)
