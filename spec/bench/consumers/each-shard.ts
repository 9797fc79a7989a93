// Every shard in this one process.
import { eachShard } from 'kcl-session'
import { count } from './tally.ts'

await eachShard(
  async (session) => {
    for await (const batch of session.batches()) {
      for (const record of batch.records) count(record.data)
    }
  },
  { logger: false },
)
