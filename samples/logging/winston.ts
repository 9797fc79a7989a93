// The same with winston, whose levels all go to standard error.
import { KclSession } from 'kcl-session'
import { createLogger, format, transports } from 'winston'

const logger = createLogger({
  format: format.combine(format.errors({ stack: true }), format.json()),
  transports: [new transports.Console({ stderrLevels: ['error', 'warn', 'info', 'debug'] })],
})
const session = new KclSession({ logger })

await session.forEach((record) => {
  const { magnitude } = record.json<{ magnitude: number | null }>()
  if (magnitude !== null && magnitude >= 5) {
    const { sequenceNumber } = record
    logger.warn('strong', { magnitude, shardId: session.shard?.shardId, sequenceNumber })
  }
})
