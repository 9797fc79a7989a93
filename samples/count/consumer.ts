// Counts strong earthquakes; stores a position every minute, or every thousand records, whichever comes first.
import { anyOf, everyInterval, everyRecords, KclSession } from 'kcl-session'

let strong = 0
const session = new KclSession({
  policy: anyOf(everyInterval({ minutes: 1 }), everyRecords(1000)),
  onShardEnded: ({ shard }) =>
    console.log(`${shard.shardId}: ${strong} of ${session.stats.records} were strong`),
})

for await (const batch of session.batches()) {
  for await (const record of batch) {
    const { magnitude } = record.json<{ magnitude: number | null }>()
    if (magnitude !== null && magnitude >= 4.5) strong += 1
  }
}
console.log(`${session.stats.checkpoints} checkpoints were stored`)
