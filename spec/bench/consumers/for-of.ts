import { KclSession } from 'kcl-session'
import { count } from './tally.ts'

const session = new KclSession({ logger: false })

for await (const batch of session.batches()) {
  for (const record of batch) count(record.data)
}
