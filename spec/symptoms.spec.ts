// Bugs that were found and fixed, each by the symptom that it had.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import {
  type CheckpointPolicy,
  everyBatch,
  everyRecords,
  KclError,
  manual,
  type RecordBatch,
  UsageError,
} from '../lib/index.ts'
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

test('two next() at once do not acknowledge a batch that nobody held, after a re-entry either', async (t) => {
  const { wire, outer } = await atFirstBatch(t, 2)
  await outer.return?.()
  const again = wire.session.batches()
  const [first, second] = await Promise.allSettled([again.next(), again.next()])
  assert.equal(first.status, 'fulfilled')
  assert.match(String(second.status === 'rejected' && second.reason), /UsageError.*while another is pending/)
  assert.deepEqual(await wire.heard(), [])
})

test('two next() at once on the records of a batch do not finish the first while its body runs', async (t) => {
  const { wire, batch } = await atFirstBatch(t, 3, everyRecords(1))
  const inner = batch[Symbol.asyncIterator]()
  const [first, second] = await Promise.allSettled([inner.next(), inner.next()])
  assert.equal(first.status === 'fulfilled' && first.value.value?.sequenceNumber, '1')
  assert.match(String(second.status === 'rejected' && second.reason), /forEach with a concurrency/)
  assert.deepEqual(await wire.heard(), [], 'nothing is finished, so nothing is stored')
})

test('a batch that nobody touched, for want of an await, is not acknowledged', async (t) => {
  const { wire, outer } = await atFirstBatch(t, 2)
  await assert.rejects(outer.next(), (error: unknown) => {
    return (
      error instanceof UsageError &&
      /nothing of this one was touched.*Is an await missing/.test(error.message)
    )
  })
  assert.deepEqual(await wire.heard(), [])
  const { value } = (await wire.session.batches().next()) as { value: RecordBatch }
  assert.deepEqual([value.attempt, value.records.length], [2, 2])
})

test('an iterator that is done lets everything else run, however often it is asked', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 1)
  const inner = batch[Symbol.asyncIterator]()
  for await (const _ of { [Symbol.asyncIterator]: () => inner });
  await outer.return?.()
  let fired = false
  setImmediate(() => {
    fired = true
  })
  for (let round = 0; round < 3 && !fired; round += 1) await inner.next()
  assert.equal(fired, true)
  fired = false
  setImmediate(() => {
    fired = true
  })
  for (let round = 0; round < 3 && !fired; round += 1) await outer.next()
  assert.equal(fired, true)
  assert.equal(wire.session.state, 'open')
})

test('an error whose text cannot be told fails the session to its end', async (t) => {
  const wire = new Wire(t, {
    onInitialize() {
      throw Object.assign(new Error('odd'), {
        toString() {
          throw new Error('no text')
        },
      })
    },
  })
  const next = wire.session.batches().next()
  wire.initialize()
  assert.equal(((await next.catch((error: unknown) => error)) as Error).message, 'odd')
  assert.equal(wire.session.state, 'failed')
  assert.equal(wire.session.signal.aborted, true)
  await settle()
  assert.equal(wire.outputEnded, true)
})

test('what is stored is still known after the end of the shard', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 2)
  batch.skipRest()
  const end = outer.next()
  await wire.said()
  wire.say({ action: 'shardEnded' })
  assert.deepEqual(await wire.said(), { action: 'checkpoint' })
  wire.answer({})
  assert.deepEqual(await wire.said(), status('shardEnded'))
  wire.end()
  await end
  assert.deepEqual(wire.session.checkpointed, { sequenceNumber: '2', subSequenceNumber: 0 })
})

test('an AbortSignal that is not Node’s own does not keep a session from being made', (t) => {
  // As jsdom does it.
  const { AbortController } = globalThis
  class Foreign {
    readonly signal = { aborted: false }
    abort() {
      this.signal.aborted = true
    }
  }
  globalThis.AbortController = Foreign as never
  t.after(() => {
    globalThis.AbortController = AbortController
  })
  const wire = new Wire(t)
  assert.equal(wire.session.signal.aborted, false)
})

test('hooks run in the context of whoever started the loop, not of whoever wrote to the stream', async (t) => {
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  const hook = () => void seen.push(storage.getStore())
  const wire = new Wire(t, { policy: manual(), onInitialize: hook, onShutdownRequested: hook })
  const next = storage.run('the loop', () => wire.session.batches().next())
  storage.run('the writer', () => wire.initialize())
  assert.deepEqual(await wire.said(), status('initialize'))
  storage.run('the writer', () => wire.say({ action: 'shutdownRequested' }))
  assert.deepEqual(await wire.said(), status('shutdownRequested'))
  assert.deepEqual(seen, ['the loop', 'the loop'])
  wire.end()
  await next
})

test('records that an earlier attempt finished out of order are not handed out again', async (t) => {
  const { wire, outer, batch } = await atFirstBatch(t, 4)
  const explicit = batch.checkpoint(batch.records[1])
  wire.answer(await wire.said())
  await explicit
  await outer.return?.()
  const { value } = (await wire.session.batches().next()) as { value: RecordBatch }
  const seen: string[] = []
  for await (const record of value) seen.push(record.sequenceNumber)
  assert.deepEqual(seen, ['3', '4'])
})

for (const [start, name, policy, secured] of [
  ['LATEST', 'everyRecords', everyRecords(1000), true],
  ['LATEST', 'everyBatch', everyBatch(), true],
  ['LATEST', 'manual', manual(), false],
  ['AT_TIMESTAMP', 'everyRecords', everyRecords(1000), true],
  ['AT_TIMESTAMP', 'manual', manual(), false],
] as const) {
  test(`where the daemon began at ${start}, with ${name} the first record is ${secured ? '' : 'not '}stored at once, and the notice tells the truth`, async (t) => {
    const wire = new Wire(t, { policy })
    const outer = wire.session.batches()
    const first = outer.next()
    wire.initialize(start)
    await wire.said()
    wire.deliver(records(3))
    const batch = (await first).value as RecordBatch
    const inner = batch[Symbol.asyncIterator]()
    await inner.next()
    await inner.next()
    if (secured) {
      assert.deepEqual(await wire.said(), checkpoint(1))
      wire.answer(checkpoint(1))
      await inner.next()
    }
    assert.deepEqual(await wire.heard(), [], 'and then the policy decides')
    await inner.return?.()
    await outer.return?.()
    const notice = secured
      ? /from 3 on will be delivered again/
      : /from 2 on may be skipped by the next consumer: no position is stored yet/
    assert.match(wire.notices[0] ?? '', notice)
  })
}

/** A session with the first batch of so many records in the user's hands. */
async function atFirstBatch(t: TestContext, count: number, policy: CheckpointPolicy = manual()) {
  const wire = new Wire(t, { policy })
  const outer = wire.session.batches()
  const first = outer.next()
  wire.initialize()
  assert.deepEqual(await wire.said(), status('initialize'))
  wire.deliver(records(count))
  const batch = (await first).value as RecordBatch
  return { wire, outer, batch }
}
