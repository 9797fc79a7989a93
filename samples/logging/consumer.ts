// The session tells its own events to the logger that the program uses: here pino, on standard error, so that the lines
// stay out of the protocol whatever starts the consumer.
import { KclSession } from 'kcl-session'
import { pino } from 'pino'

const logger = pino(pino.destination(2))
const session = new KclSession({ logger })

await session.forEach((record) => {
  const { magnitude } = record.json<{ magnitude: number | null }>()
  if (magnitude !== null && magnitude >= 5) {
    logger.warn(
      { magnitude, shardId: session.shard?.shardId, sequenceNumber: record.sequenceNumber },
      'strong',
    )
  }
})
