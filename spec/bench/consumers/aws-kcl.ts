// The official client for Node, as its own users write it.

import { createRequire } from 'node:module'
import { count } from './tally.ts'

type Done = () => void
const kcl = createRequire(import.meta.url)('aws-kcl') as (processor: object) => { run(): void }

kcl({
  initialize: (_: object, done: Done) => done(),
  processRecords(input: { records: { data: string }[] }, done: Done) {
    for (const { data } of input.records) count(Buffer.from(data, 'base64'))
    done()
  },
  leaseLost: (_: object, done: Done) => done(),
  shardEnded: (_: object, done: Done) => done(),
  shutdownRequested: (_: object, done: Done) => done(),
}).run()
