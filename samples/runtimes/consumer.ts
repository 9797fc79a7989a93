// Nothing in it needs a compiler: types that can be erased, and the name of the package.
import { KclSession } from 'kcl-session'

interface Earthquake {
  readonly magnitude: number | null
}

let strong = 0
const session = new KclSession({ onShardEnded: () => console.log(`strong: ${strong}`) })

for await (const batch of session.batches()) {
  for await (const record of batch) {
    const { magnitude } = record.json<Earthquake>()
    if (magnitude !== null && magnitude >= 4.5) strong += 1
  }
}
