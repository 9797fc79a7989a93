// Tells what a worker does with its shards: which process has which, from where it is read, and why that ends.
import { KclSession } from 'kcl-session'

const session = new KclSession({
  onInitialize: ({ shardId, sequenceNumber }) =>
    console.log(`process ${process.pid} has the lease of ${shardId}, from ${sequenceNumber}`),
  onLeaseLost: () => console.log('the lease is lost: another worker goes on from the last checkpoint'),
  onShutdownRequested: () => console.log('the lease is handed over, once this is stored'),
  onShardEnded: () => console.log('the shard is read to its end: its children may begin'),
})

for await (const batch of session.batches()) {
  for await (const record of batch) record.json()
}
console.log(`process ${process.pid} is done, after ${session.stats.records} records`)
