import { KclSession } from 'kcl-session'

interface Earthquake {
  time: string
  magnitude: number | null
  place: string
}

const session = new KclSession()

for await (const batch of session.batches()) {
  for await (const record of batch) {
    const { time, magnitude, place } = record.json<Earthquake>()
    console.log(`${batch.shardId} ${time} ${magnitude ?? '-'} ${place}`)
  }
}
