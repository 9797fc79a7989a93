import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type KclSessionOptions, manual, type RecordBatch } from '../../lib/index.ts'
import { records, settle, status, Wire } from '../helpers/wire.ts'

test('a batch without progress is told of with its shard, its position and its age, once per doubling', async (t) => {
  const { wire, told, batch } = await inHand(t)
  const inner = batch[Symbol.asyncIterator]()
  await inner.next()
  await inner.next()
  wire.clock.advance(59_999)
  assert.equal(told.length, 0)
  wire.clock.advance(1)
  assert.equal(told.length, 1)
  assert.match(
    told[0]?.text ?? '',
    /^No progress for 60 s: 1 of 3 records of the batch are finished, the next is at 2\./,
  )
  assert.deepEqual(told[0]?.details, { shardId: 'shardId-000000000000', age: 60_000, position: '2' })
  wire.clock.advance(59_999)
  assert.equal(told.length, 1)
  wire.clock.advance(1)
  assert.match(told[1]?.text ?? '', /120 s/)
  wire.clock.advance(119_999)
  assert.equal(told.length, 2)
  wire.clock.advance(1)
  assert.equal(told.length, 3)
})

test('a record that is finished starts the watch anew, and a batch that is done ends it', async (t) => {
  const { wire, told, batch, loop } = await inHand(t, { warnAfter: { seconds: 10 } })
  const inner = batch[Symbol.asyncIterator]()
  for (let step = 0; step < 4; step += 1) {
    await inner.next()
    wire.clock.advance(9000)
  }
  assert.deepEqual(told, [])
  void loop.next()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.clock.advance(100_000)
  assert.deepEqual(told, [], 'nothing is in hand')
})

test('a hook that hangs is told of', async (t) => {
  const { wire, told, batch, loop } = await inHand(t, { onShutdownRequested: () => new Promise(() => {}) })
  batch.skipRest()
  void loop.next()
  await wire.said()
  wire.say({ action: 'shutdownRequested' })
  await settle()
  wire.clock.advance(60_000)
  assert.match(told[0]?.text ?? '', /^The hook for shutdownRequested has been at work for 60 s/)
})

async function inHand(t: TestContext, options: KclSessionOptions = {}) {
  const told: { text: string; details: object | undefined }[] = []
  const ignore = () => {}
  const logger = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (text: string, details?: object) => void told.push({ text, details }),
  }
  const wire = new Wire(t, { policy: manual(), logger, ...options })
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  await wire.said()
  wire.deliver(records(3))
  const { value: batch } = (await first) as { value: RecordBatch }
  return { wire, told, batch, loop }
}
