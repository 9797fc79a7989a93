import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/command.ts'
import { Consumer } from './consumer.ts'
import { batchesIn, CHILDREN } from './daemon.ts'
import { line } from './shapes.ts'

for (const [name, file] of Object.entries(CHILDREN)) {
  test(`${name} acknowledges every action, and writes down each batch and which is the last`, async (t) => {
    const out = join(temporaryFolder(t), 'out.ndjson')
    const consumer = await Consumer.start({
      name,
      command: [process.execPath, file],
      environment: { OUT: out },
    })
    for (const keys of [
      ['first', 'second'],
      Array.from({ length: 2000 }, () => 'third'),
      ['fourth', 'last'],
    ]) {
      await consumer.perform(delivery(keys))
    }
    await consumer.perform(line({ action: 'shutdownRequested' }))
    await consumer.perform(line({ action: 'leaseLost' }))
    await consumer.end()
    assert.deepEqual(
      batchesIn(out).map(({ last }) => last),
      [false, false, true],
    )
  })
}

function delivery(keys: readonly string[]): Buffer {
  const records = keys.map((partitionKey, at) => ({
    data: 'AAAA',
    partitionKey,
    sequenceNumber: String(at + 1),
    approximateArrivalTimestamp: 1,
    subSequenceNumber: at,
    action: 'record',
  }))
  return line({ action: 'processRecords', records, millisBehindLatest: 0 })
}
