import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyRecords } from '../lib/index.ts'
import { checkpoint, records, status, Wire } from './helpers/wire.ts'

test('hands out every record in order, and acknowledges a batch when the next one is asked for', async (t) => {
  const wire = new Wire(t, { policy: everyRecords(2) })
  const seen: string[] = []
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const record of batch) seen.push(record.text())
    }
  })()
  wire.initialize()
  assert.deepEqual(await wire.said(), status('initialize'))
  wire.deliver(records(3))
  assert.deepEqual(await wire.said(), checkpoint(2))
  wire.answer(checkpoint(2))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.say({ action: 'shutdownRequested' })
  assert.deepEqual(await wire.said(), checkpoint(3))
  wire.answer(checkpoint(3))
  assert.deepEqual(await wire.said(), status('shutdownRequested'))
  wire.say({ action: 'leaseLost' })
  assert.deepEqual(await wire.said(), status('leaseLost'))
  wire.end()
  await loop
  assert.deepEqual(seen, ['record 1', 'record 2', 'record 3'])
  assert.equal(wire.session.state, 'ended')
})
