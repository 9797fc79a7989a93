// A consumer on kcl-session that does one thing wrong, by name.
import { everyBatch, KclSession } from 'kcl-session'

const [, , wrong] = process.argv
// "end" stores nothing by itself: what is stored then is the end of the shard, unasked.
const session = new KclSession(wrong === 'refused' ? { policy: everyBatch() } : {})

for await (const batch of session.batches()) {
  if (wrong === 'throw') throw new Error('the data are odd')
  if (wrong === 'forget') continue
  for await (const record of batch) {
    if (wrong === 'print') console.log(record.json().id, '\nnull')
  }
}
