import { KclSession } from 'kcl-session'
import { done } from './done.ts'
import { count } from './tally.ts'

const session = new KclSession({ logger: false })

for await (const batch of session.batches()) {
  for (const record of batch.records) count(record.data)
  done(batch.records.at(-1)?.partitionKey === 'last')
}
