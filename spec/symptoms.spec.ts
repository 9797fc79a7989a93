// Bugs that were found and fixed, each by the symptom that it had.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { KclError, manual, type RecordBatch, UsageError } from '../lib/index.ts'
import { checkpoint, records, settle, status, Wire } from './helpers/wire.ts'

test('a loop over records does not go on while the next batch waits for a checkpoint that covers the rest', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 3)
  const inner = batch[Symbol.asyncIterator]()
  await inner.next()
  const stored = batch.checkpoint(batch.records[2])
  assert.deepEqual(await wire.said(), checkpoint(3))
  const next = outer.next()
  await settle()
  assert.ok(batch.signal.aborted)
  await assert.rejects(inner.next(), UsageError)
  wire.answer(checkpoint(3))
  assert.equal(await stored, true)
  assert.deepEqual(await wire.said(), status('processRecords'))
  await wire.session.close()
  assert.deepEqual(await next, { done: true, value: undefined })
})

test('a batch that was left is given up in time, though a checkpoint that may cover it is still on its way', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 3)
  await batch[Symbol.asyncIterator]().next()
  const refused = assert.rejects(batch.checkpoint(batch.records[2]), { code: 'KCL_CHANNEL_CLOSED' })
  assert.deepEqual(await wire.said(), checkpoint(3))
  const next = outer.next()
  await outer.return?.()
  assert.deepEqual(await next, { done: true, value: undefined })
  wire.clock.advance(60_000)
  assert.equal(wire.session.state, 'failed')
  await refused
})

test('a new loop is not ended for what the one before it had left early', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 3)
  await batch[Symbol.asyncIterator]().next()
  const refused = assert.rejects(batch.checkpoint(batch.records[2]), { exception: 'InvalidStateException' })
  assert.deepEqual(await wire.said(), checkpoint(3))
  const next = outer.next()
  await outer.return?.()
  assert.deepEqual(await next, { done: true, value: undefined })
  const again = wire.session.batches().next()
  wire.answer(checkpoint(3), 'InvalidStateException')
  await refused
  const { value } = await again
  assert.equal(value?.attempt, 2)
})

test('a checkpoint asked for in the moment before the status does not fail the session', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 3)
  const [first] = batch.records
  const stored = Promise.resolve().then(() => batch.checkpoint(first))
  outer.next()
  assert.deepEqual(await wire.heard(), [status('processRecords')])
  assert.equal(wire.session.state, 'open')
  wire.deliver([])
  assert.deepEqual(await wire.heard(), [checkpoint(1)])
  wire.answer(checkpoint(1))
  assert.equal(await stored, true)
  assert.deepEqual(await wire.heard(), [status('processRecords')])
})

test('a handler that closes the session is handed no further records', async (t) => {
  const wire = new Wire(t, { policy: manual() })
  const seen: string[] = []
  const loop = wire.session.forEach((record) => {
    seen.push(record.text())
    void wire.session.close()
  })
  wire.initialize()
  await wire.said()
  wire.deliver(records(3))
  await assert.rejects(loop, /the session was closed/)
  assert.deepEqual(seen, ['record 1'])
})

for (const thrown of [Symbol('odd'), Object.create(null), null, 'text']) {
  test(`a hook that throws ${typeof thrown === 'string' ? 'text' : inspect(thrown)} fails the session like any other`, async (t) => {
    const onInitialize = (): never => {
      throw thrown
    }
    const wire = new Wire(t, { onInitialize })
    const next = wire.session.batches().next()
    wire.initialize()
    await assert.rejects(next, (error) => error === thrown)
    assert.equal(wire.session.state, 'failed')
    assert.ok(wire.session.signal.reason instanceof KclError)
    assert.equal(wire.session.signal.reason.cause, thrown)
    await settle()
    assert.ok(wire.outputEnded)
  })
}

test('a checkpoint asked for while the first record of another attempt is on its way stores what is finished', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 3)
  const before = batch[Symbol.asyncIterator]()
  await before.next()
  await before.next()
  await outer.return?.()
  const again = (await wire.session.batches().next()).value as RecordBatch
  const until = performance.now() + 30
  while (performance.now() < until);
  const inner = again[Symbol.asyncIterator]()
  const first = inner.next()
  const stored = again.checkpoint()
  assert.equal((await first).value?.text(), 'record 2')
  assert.deepEqual(await wire.said(), checkpoint(1))
  wire.answer(checkpoint(1))
  assert.equal(await stored, true)
})

test('a checkpoint in a batch of which nothing is finished stores what was finished before it', async (t) => {
  const { wire, outer, batch: first } = await atFirstBatch(t, 3)
  assert.equal(first.records.length, 3)
  const next = outer.next()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.deliver(records(2, 4))
  const batch = (await next).value as RecordBatch
  const inner = batch[Symbol.asyncIterator]()
  await inner.next()
  await inner.return?.()
  const stored = batch.checkpoint()
  assert.deepEqual(await wire.said(), checkpoint(3))
  wire.answer(checkpoint(3))
  assert.equal(await stored, true)
})

/** A session with the first batch of so many records in the user's hands. */
async function atFirstBatch(t: TestContext, count: number) {
  const wire = new Wire(t, { policy: manual() })
  const outer = wire.session.batches()
  const first = outer.next()
  wire.initialize()
  assert.deepEqual(await wire.said(), status('initialize'))
  wire.deliver(records(count))
  const batch = (await first).value as RecordBatch
  return { wire, outer, batch }
}
