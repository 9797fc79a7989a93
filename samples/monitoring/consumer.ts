// Tells how far a shard is behind, from the session's own figures, while a downstream lets it wait for two seconds.
import { setTimeout as pause } from 'node:timers/promises'
import { KclSession } from 'kcl-session'

const session = new KclSession()
let worst = 0

setInterval(() => {
  const { lag, checkpointLag, records } = session.stats
  if (lag === null || lag <= worst) return
  worst = lag
  console.log(`${records} records done, ${seconds(lag)} behind, ${seconds(checkpointLag)} would come again`)
}, 500).unref()

for await (const batch of session.batches()) {
  for await (const record of batch) {
    // Stands for a downstream that hangs once.
    if (session.stats.records === 100) await pause(2000)
    record.json()
  }
}
const { checkpoints, refusals } = session.stats
console.log(`${checkpoints} checkpoints, ${refusals} refused, at most ${seconds(worst)} behind`)

function seconds(milliseconds: number | null): string {
  return `${((milliseconds ?? 0) / 1000).toFixed(1)} s`
}
