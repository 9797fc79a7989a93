// Dead letters: a record that fails three times goes to a file, with all that is needed to send it again, and the shard
// goes on. Only what is written is skipped: when the dead letter cannot be written, onError throws, and everything stops.
import { appendFile } from 'node:fs/promises'
import { KclSession } from 'kcl-session'

const file = process.env.DEAD_LETTERS ?? 'dead-letters.ndjson'
const session = new KclSession()

await session.forEach(
  async (record) => {
    const { type } = record.json<{ type: string }>()
    if (type !== 'earthquake') throw new Error(`this was no earthquake but a ${type}`)
  },
  {
    concurrency: 16,
    retry: { attempts: 3, initialDelay: { milliseconds: 1 }, maxDelay: { milliseconds: 5 } },
    onError: async (error, record, attempt) => {
      // JSON.stringify(record) keeps the data, as base64.
      await appendFile(file, `${JSON.stringify({ error: String(error), attempt, record })}\n`)
      return 'skip'
    },
  },
)
console.log(
  `${session.shard?.shardId}: ${session.stats.records} records, ${session.stats.skipped} dead letters`,
)
