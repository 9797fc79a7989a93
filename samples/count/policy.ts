// A policy of one's own: store often while the shard is read at its tip, seldom while it catches up, and never in
// the middle of an aggregated record.
import { type CheckpointPolicy, KclSession } from 'kcl-session'

const nearTip: CheckpointPolicy = {
  shouldCheckpoint({ records, elapsed, endsAggregate, millisBehindLatest }) {
    const catchingUp = millisBehindLatest !== null && millisBehindLatest > 60_000
    return endsAggregate && (catchingUp ? records >= 10_000 : records >= 100 || elapsed >= 5000)
  },
}

const session = new KclSession({ policy: nearTip })
await session.forEach((record) => {
  record.json()
})
const { records, checkpoints } = session.stats
console.log(`${session.shard?.shardId}: ${records} records, ${checkpoints} checkpoints`)
