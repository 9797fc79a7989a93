import { KclSession } from 'kcl-session'

const session = new KclSession()

for await (const batch of session.batches()) {
  for await (const record of batch) {
    console.log(`${batch.shardId} ${record.partitionKey} ${record.text()}`)
  }
}
