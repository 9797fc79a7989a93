// Bulk writes: a thousand records at once, or whatever has come in ten seconds. A batch is filled from as many
// deliveries as it takes; what is left comes at the end of the shard and before a shutdown.
import { appendFile } from 'node:fs/promises'
import { everyBatch, KclSession } from 'kcl-session'

const file = process.env.BULK_FILE ?? 'bulk.ndjson'
const session = new KclSession({ policy: everyBatch() })

for await (const batch of session.batches({ maxRecords: 1000, maxWait: { seconds: 10 } })) {
  // Stands for one bulk insert, or one object in S3.
  await appendFile(file, batch.records.map((record) => `${record.text()}\n`).join(''))
  console.log(`${batch.shardId}: wrote ${batch.records.length} records`)
}
