// What a consumer must survive, tested in process, without waiting and without AWS: a record that fails, a refused
// checkpoint, a lost lease, and time that passes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyBatch, everyInterval, everyRecords, KclSession } from 'kcl-session'
import { TestDaemon, testRecord } from 'kcl-session/testing'

async function consume(session: KclSession, take = (_text: string): void => {}): Promise<void> {
  for await (const batch of session.batches()) {
    for await (const record of batch) take(record.text())
  }
}

test('stores what it has taken', async () => {
  const daemon = new TestDaemon()
  const done = consume(new KclSession({ ...daemon.streams, policy: everyRecords(2), logger: false }))
  const [, second] = await daemon.deliver(['one', 'two', 'three'])
  assert.deepEqual(daemon.checkpointed, second)
  await daemon.endShard()
  await done
})

test('stores nothing past a record that fails, and takes it again', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, policy: everyRecords(1), logger: false })
  const taken: string[] = []
  let isDown = true
  const take = (text: string): void => {
    if (text === 'two' && isDown) throw new Error('the downstream is away')
    taken.push(text)
  }
  const delivered = daemon.deliver(['one', 'two', 'three'])
  await assert.rejects(consume(session, take), /the downstream is away/)
  assert.deepEqual([taken, daemon.checkpoints.length], [['one'], 1])
  isDown = false
  const done = consume(session, take)
  await delivered
  assert.deepEqual(taken, ['one', 'two', 'three'])
  await daemon.endShard()
  await done
})

test('stores after a minute, by a clock that moves by hand', async () => {
  const daemon = new TestDaemon()
  const policy = everyInterval({ minutes: 1 })
  const done = consume(new KclSession({ ...daemon.streams, policy, logger: false }))
  await daemon.deliver(['one'])
  assert.equal(daemon.checkpointed, null)
  daemon.clock.advance(60_000)
  const [second] = await daemon.deliver(['two'])
  assert.deepEqual(daemon.checkpointed, second)
  await daemon.requestShutdown()
  await done
})

test('goes on while a refused checkpoint is tried again', async () => {
  const daemon = new TestDaemon()
  const done = consume(new KclSession({ ...daemon.streams, policy: everyBatch(), logger: false }))
  daemon.refuseCheckpoints('ThrottlingException')
  await daemon.deliver(['one'])
  assert.equal(daemon.checkpointed, null)
  daemon.clock.advance(30_000)
  const [second] = await daemon.deliver(['two'])
  assert.deepEqual(daemon.checkpointed, second)
  await daemon.endShard()
  await done
})

test('ends by itself when the lease is lost', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger: false })
  const done = consume(session)
  await daemon.deliver(['one'])
  await daemon.loseLease()
  await done
  assert.equal(session.signal.aborted, true)
})

test('reads a record', () => {
  assert.deepEqual(testRecord({ json: { id: 1 } }).json(), { id: 1 })
})
