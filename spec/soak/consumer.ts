// The consumer of the soak: writes down every record that it works on, as `key number`, in one file that all
// consumers of a run share, so that nobody has to take the daemon's word for anything.

import { openSync, writeSync } from 'node:fs'
import { anyOf, everyInterval, everyRecords, KclSession, type KinesisRecord } from '../../lib/index.ts'
import type { Style } from './soak-run.ts'

const log = openSync(process.env.SOAK_LOG ?? '', 'a')
const session = new KclSession({
  policy: anyOf(everyRecords(300), everyInterval({ milliseconds: 50 })),
  checkpointRetry: { attempts: 12, initialDelay: { milliseconds: 2 }, maxDelay: { milliseconds: 40 } },
  logger: false,
})

const note = (record: KinesisRecord): void => {
  const { key, n } = record.json<{ key: string; n: number }>()
  writeSync(log, `${key} ${n}\n`)
}
// Some wait, and so overtake each other.
const work = async (record: KinesisRecord): Promise<void> => {
  note(record)
  if (Math.random() < 0.1) await new Promise((resolve) => setTimeout(resolve, Math.random() * 3))
}
const keyOf = (record: KinesisRecord): unknown => record.json<{ key: string }>().key
const sizes = { maxRecords: 170, maxWait: { milliseconds: 5 } }

switch (process.env.SOAK_STYLE as Style | undefined) {
  case 'own-size':
    for await (const batch of session.batches(sizes)) for await (const record of batch) note(record)
    break
  case 'handlers':
    await session.forEach(work, { concurrency: 16, ordering: keyOf })
    break
  case 'handlers of own size':
    await session.forEach(work, { concurrency: 16, ordering: keyOf, ...sizes })
    break
  default:
    for await (const batch of session.batches()) for await (const record of batch) note(record)
}
