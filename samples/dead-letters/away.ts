// A downstream that is away: nothing is given up. What is in hand is tried again until the downstream is back, with pauses
// that grow to a second here; the lease is renewed meanwhile, and other shards do not notice.
import { KclSession } from 'kcl-session'

class Away extends Error {}

const session = new KclSession()
let stored = 0
let refused = 0
let backAt = 0

await session.forEach((record) => store(record.text()), {
  concurrency: 16,
  retry: { attempts: 3, initialDelay: { milliseconds: 50 }, maxDelay: { seconds: 1 } },
  // Once more after maxDelay, as often as it takes. What else fails is a mistake, in the record or in the program.
  onError: (error) => (error instanceof Away ? 'retry' : 'stop'),
})
console.log(`${stored} stored, ${session.stats.skipped} given up, ${refused} tries in vain`)

// Stands for a database that is down for two seconds, from the fiftieth record on.
async function store(_text: string): Promise<void> {
  if (stored === 50 && backAt === 0) backAt = Date.now() + 2000
  if (Date.now() < backAt) {
    refused += 1
    throw new Away('nobody answers')
  }
  stored += 1
}
