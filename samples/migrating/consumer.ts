// The same on kcl-session: the checkpoints after each batch are a policy, those at the end and at shutdown come unasked.
import { everyBatch, KclSession } from 'kcl-session'

let strong = 0

const session = new KclSession({
  policy: everyBatch(),
  onShardEnded: () => console.error(`strong: ${strong}`),
})

for await (const batch of session.batches()) {
  for await (const record of batch) {
    const { magnitude } = record.json<{ magnitude: number | null }>()
    if (magnitude !== null && magnitude >= 4.5) strong += 1
  }
}
