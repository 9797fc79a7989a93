import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  everyRecords,
  type ForEachOptions,
  KclSession,
  type KclSessionOptions,
  manual,
  type RecordHandler,
  UsageError,
} from '../../lib/index.ts'
import { TestDaemon } from '../../lib/testing/index.ts'
import { checkpoint, records, settle, status, Wire } from '../helpers/wire.ts'

test('hands each record to the handler, in order, one at a time, and acknowledges the batch after the last', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession(daemon.streams)
  const seen: string[] = []
  let running = 0
  const done = session.forEach(async (record, batch) => {
    running += 1
    assert.equal(running, 1)
    await settle()
    seen.push(`${batch.attempt} ${record.text()}`)
    running -= 1
  })
  await daemon.deliver(['one', 'two'])
  await daemon.deliver(['three'])
  await daemon.endShard()
  await done
  assert.deepEqual(seen, ['1 one', '1 two', '1 three'])
})

test('stores the tail at a shutdown, and every position that a handler asked for before', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession(daemon.streams)
  const done = session.forEach((record) => (record.text() === 'stop here' ? true : undefined))
  const [, second, last] = await daemon.deliver(['one', 'stop here', 'three'])
  assert.deepEqual(daemon.checkpoints, [second])
  await daemon.requestShutdown()
  await done
  assert.deepEqual(daemon.checkpoints, [second, last])
})

test('stores the position of a record whose handler resolves to true', async (t) => {
  const { wire, done } = await handling(
    t,
    async (record) => {
      await settle()
      if (record.sequenceNumber === '2') return true
    },
    { policy: manual() },
  )
  wire.deliver(records(3))
  assert.deepEqual(await wire.said(), checkpoint(2))
  wire.answer(checkpoint(2))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await done
})

test('goes on when the checkpoint of a handler is refused for good', async (t) => {
  const { wire, done } = await handling(t, () => true, { policy: manual() })
  wire.deliver(records(1))
  wire.answer(await wire.said(), 'InvalidStateException')
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await done
})

test('means the last finished record by a checkpoint without an argument inside a handler', async (t) => {
  const { wire, done } = await handling(
    t,
    async (record, batch) => {
      if (record.sequenceNumber === '3') assert.equal(await batch.checkpoint(), true)
    },
    { policy: manual() },
  )
  wire.deliver(records(3))
  assert.deepEqual(await wire.said(), checkpoint(2))
  wire.answer(checkpoint(2))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await done
})

test('tries a failing handler again in place, and stops with its error once the tries are used up', async (t) => {
  const tries: string[] = []
  const { wire, done } = await handling(
    t,
    (record) => {
      tries.push(record.sequenceNumber)
      if (record.sequenceNumber === '2') throw new Error('cannot be done')
    },
    { policy: everyRecords(100) },
    { retry: { attempts: 3 } },
  )
  const rejected = assert.rejects(done, /cannot be done/)
  wire.deliver(records(3))
  for (let n = 0; n < 3; n += 1) {
    await settle()
    wire.clock.advance(30_000)
  }
  assert.deepEqual(await wire.said(), checkpoint(1), 'the watermark is stored before the stop')
  wire.answer(checkpoint(1))
  await rejected
  assert.deepEqual(tries, ['1', '2', '2', '2'])
  assert.deepEqual(await wire.heard(), [])
  assert.equal(wire.session.state, 'open')
  assert.equal((await wire.session.batches().next()).value?.attempt, 2)
})

test('stores nothing at a stop where the policy leaves that to the user', async (t) => {
  const { wire, done } = await handling(
    t,
    (record) => {
      if (record.sequenceNumber === '2') throw new Error('stop here')
    },
    { policy: manual() },
  )
  const rejected = assert.rejects(done, /stop here/)
  wire.deliver(records(2))
  await rejected
  assert.deepEqual(await wire.heard(), [])
})

test('asks onError once the tries are used up: skip, retry after maxDelay, or stop', async (t) => {
  const asked: string[] = []
  let failures = 0
  const { wire, done } = await handling(
    t,
    (record) => {
      if (record.sequenceNumber === '1') throw new Error('poison')
      if (record.sequenceNumber === '2' && failures < 2) {
        failures += 1
        throw new Error('flaky')
      }
      if (record.sequenceNumber === '3') throw new Error('fatal')
    },
    { policy: manual() },
    {
      retry: { maxDelay: { seconds: 7 } },
      onError: async (error, record, attempt) => {
        asked.push(`${record.sequenceNumber} ${attempt}`)
        const text = String(error)
        return text.includes('poison') ? 'skip' : text.includes('flaky') ? 'retry' : ('nonsense' as 'stop')
      },
    },
  )
  const rejected = assert.rejects(done, /fatal/)
  wire.deliver(records(3))
  await settle()
  wire.clock.advance(6999)
  await settle()
  assert.deepEqual(asked, ['1 1', '2 1'])
  wire.clock.advance(1)
  await settle()
  wire.clock.advance(7000)
  await rejected
  assert.deepEqual(asked, ['1 1', '2 1', '2 2', '3 1'])
  assert.equal(wire.session.stats.skipped, 1)
  assert.equal(wire.session.stats.records, 2)
})

test('stops with both errors when onError throws', async (t) => {
  const { wire, done } = await handling(
    t,
    () => {
      throw new Error('first')
    },
    { policy: manual() },
    {
      onError: () => {
        throw new Error('second')
      },
    },
  )
  const rejected = assert.rejects(done, (error: unknown) => {
    assert.ok(error instanceof AggregateError)
    assert.deepEqual(error.errors.map(String), ['Error: first', 'Error: second'])
    return true
  })
  wire.deliver(records(1))
  await rejected
})

test('hands out nothing further once the lease is lost, and takes the failure of a handler lightly', async (t) => {
  const seen: string[] = []
  const { wire, done } = await handling(
    t,
    async (record, batch) => {
      seen.push(record.sequenceNumber)
      if (record.sequenceNumber === '2') {
        wire.answer(checkpoint(1), 'ShutdownException')
        await settle()
        batch.signal.throwIfAborted()
      }
    },
    { policy: everyRecords(1) },
  )
  wire.deliver(records(4))
  assert.deepEqual(await wire.said(), checkpoint(1))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.say({ action: 'leaseLost' })
  assert.deepEqual(await wire.said(), status('leaseLost'))
  wire.end()
  await done
  assert.deepEqual(seen, ['1', '2'])
})

test('ends a wait between tries when the lease is lost', async (t) => {
  const { wire, done } = await handling(
    t,
    (record) => {
      if (record.sequenceNumber === '2') throw new Error('not now')
    },
    { policy: everyRecords(1) },
    { retry: { attempts: 9 } },
  )
  wire.deliver(records(2))
  wire.answer(await wire.said(), 'ShutdownException')
  assert.deepEqual(await wire.said(), status('processRecords'))
  assert.equal(wire.clock.pending, 0)
  wire.end()
  await done
})

test('refuses what is no handler and options it does not know', async (t) => {
  const wire = new Wire(t)
  const cases: [unknown, unknown, RegExp][] = [
    ['print', {}, /handler/],
    [() => {}, { retries: 3 }, /retries/],
    [() => {}, { retry: { attempts: 0 } }, /attempts/],
    [() => {}, { retry: { tries: 3 } }, /tries/],
    [() => {}, { onError: 'skip' }, /onError/],
    [() => {}, null, /options/],
  ]
  for (const [handler, options, names] of cases) {
    await assert.rejects(
      wire.session.forEach(handler as RecordHandler, options as ForEachOptions),
      (error: unknown) => error instanceof UsageError && names.test(error.message),
    )
  }
})

async function handling(
  t: TestContext,
  handler: RecordHandler,
  options: KclSessionOptions = {},
  forEachOptions?: ForEachOptions,
): Promise<{ wire: Wire; done: Promise<void> }> {
  const wire = new Wire(t, options)
  const done = wire.session.forEach(handler, forEachOptions)
  wire.initialize()
  assert.deepEqual(await wire.said(), status('initialize'))
  return { wire, done }
}
