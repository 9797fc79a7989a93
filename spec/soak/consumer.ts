// The consumer of the soak: writes down every record that it works on, as `key number`, in one file that all
// consumers of a run share, so that nobody has to take the daemon's word for anything.

import { openSync, writeSync } from 'node:fs'
import { anyOf, everyInterval, everyRecords, KclSession } from '../../lib/index.ts'

const log = openSync(process.env.SOAK_LOG ?? '', 'a')
const session = new KclSession({
  policy: anyOf(everyRecords(300), everyInterval({ milliseconds: 50 })),
  checkpointRetry: { attempts: 12, initialDelay: { milliseconds: 2 }, maxDelay: { milliseconds: 40 } },
  logger: false,
})

for await (const batch of session.batches()) {
  for await (const record of batch) {
    const { key, n } = record.json<{ key: string; n: number }>()
    writeSync(log, `${key} ${n}\n`)
  }
}
