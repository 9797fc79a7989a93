import { KclSession } from 'kcl-session'
import { count } from './tally.ts'

const session = new KclSession({ logger: false })

await session.forEach((record) => count(record.data), { concurrency: 64 })
