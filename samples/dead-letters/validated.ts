// Records checked against a schema, here of zod: what comes out is typed, and an error names the position of the record
// that does not fit, and what is wrong with it.
import { KclSession } from 'kcl-session'
import { z } from 'zod'

const Earthquake = z.object({
  id: z.string(),
  time: z.iso.datetime(),
  magnitude: z.number().nonnegative(),
})

const session = new KclSession()
let strongest = Number.NEGATIVE_INFINITY

await session.forEach(
  (record) => {
    const { magnitude } = record.json(Earthquake)
    strongest = Math.max(strongest, magnitude)
  },
  {
    onError: (error) => {
      console.error(String(error))
      return 'skip'
    },
  },
)
console.log(`${session.shard?.shardId}: the strongest had ${strongest}, ${session.stats.skipped} did not fit`)
