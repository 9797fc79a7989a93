// The style of a record handler: returning true stores a position, as in kclpy. A handler that fails is tried three
// times; a record that still fails is put aside, and the shard goes on.
import { KclSession, manual } from 'kcl-session'

const session = new KclSession({ policy: manual() })

await session.forEach(
  async (record) => {
    const { id, magnitude } = record.json<{ id: string; magnitude: number | null }>()
    if (magnitude !== null && magnitude >= 5) {
      console.log(`${id} ${magnitude}`)
      return true
    }
  },
  {
    retry: { attempts: 3, initialDelay: { milliseconds: 100 } },
    onError: (error, record, attempt) => {
      console.error(`gave ${record.partitionKey} up after ${attempt} tries: ${error}`) // Stands for a dead-letter queue.
      return 'skip'
    },
  },
)
