import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Stats } from '../../lib/index.ts'
import { everyRecords, manual } from '../../lib/index.ts'
import type { WireRecord } from '../../lib/protocol/messages.ts'
import { records, settle, status, Wire } from '../helpers/wire.ts'

const START = 1_700_000_000_000

describe('the lag', () => {
  test('is the age of the oldest record in hand, and grows while its batch is worked on', async (t) => {
    const { wire, lag } = begin(t)
    assert.equal(lag(), null)
    const loop = wire.session.batches()
    const first = loop.next()
    wire.initialize()
    await wire.said()
    assert.equal(lag(), null)
    wire.deliver(arrived(START - 4000, START - 1000))
    const { value: batch } = await first
    assert.equal(lag(), 4000)
    const inner = batch?.[Symbol.iterator]()
    inner?.next()
    wire.clock.advance(500)
    assert.equal(lag(), 4500)
    inner?.next()
    assert.equal(lag(), 1500)
    inner?.next()
    assert.equal(lag(), 0)
  })

  test('is nothing at the tip of the shard, until nobody has read it for half a minute', async (t) => {
    const { wire, lag } = begin(t)
    void wire.session.batches().next()
    wire.initialize()
    wire.deliver([], 0)
    await settle()
    assert.equal(lag(), 0)
    wire.clock.advance(29_999)
    assert.equal(lag(), 0)
    wire.clock.advance(1)
    assert.equal(lag(), 30_000)
    wire.deliver([], 0)
    await settle()
    assert.equal(lag(), 0)
  })

  test('counts from the read where that was behind the tip and nothing is in hand', async (t) => {
    const { wire, lag } = begin(t)
    void wire.session.batches().next()
    wire.initialize()
    wire.deliver([], 7000)
    await settle()
    wire.clock.advance(1000)
    assert.equal(lag(), 8000)
    wire.deliver([], null)
    await settle()
    assert.equal(lag(), null)
  })

  test('goes by the read where records do not tell when they arrived', async (t) => {
    const { wire, lag } = begin(t)
    const first = wire.session.batches().next()
    wire.initialize()
    wire.deliver([{ ...records(1)[0], approximateArrivalTimestamp: null } as WireRecord], 2000)
    await first
    wire.clock.advance(100)
    assert.equal(lag(), 2100)
  })

  test('is never below nothing, though the clocks differ', async (t) => {
    const { wire, lag } = begin(t)
    const first = wire.session.batches().next()
    wire.initialize()
    wire.deliver(arrived(START + 3000))
    await first
    assert.equal(lag(), 0)
  })

  test('is known no more once the lease is lost', async (t) => {
    const { wire, lag } = begin(t)
    const loop = wire.session.batches()
    const first = loop.next()
    wire.initialize()
    wire.deliver(arrived(START - 1000))
    const { value: batch } = await first
    await wire.said()
    const stored = batch?.checkpoint(batch.records[0])
    wire.answer(await wire.said(), 'ShutdownException')
    assert.equal(await stored, false)
    assert.deepEqual([lag(), wire.session.stats.checkpointLag], [null, null])
  })

  test('tells what the figure of the daemon hides, which reads ahead and says that it is at the tip', async (t) => {
    const { wire } = begin(t)
    const loop = wire.session.batches()
    let next = loop.next()
    wire.initialize()
    await wire.said()
    const said: [daemon: number | null, lag: number | null][] = []
    // Four batches lie ready in the daemon, read a second after their record came; each takes five seconds.
    for (let batch = 0; batch < 4; batch += 1) {
      const came = START + batch * 1000
      wire.deliver(arrived(came), 0)
      await next
      const { millisBehindLatest, lag } = wire.session.stats
      said.push([millisBehindLatest, lag])
      ;(await next).value?.records
      pass(t, wire, 5000)
      next = loop.next()
      await wire.said()
    }
    assert.deepEqual(said, [
      [0, 0],
      [0, 4000],
      [0, 8000],
      [0, 12_000],
    ])
  })
})

describe('the checkpoint lag', () => {
  test('is the age of the oldest record that is not stored, finished or not', async (t) => {
    const { wire, figures } = begin(t, manual())
    const loop = wire.session.batches()
    const first = loop.next()
    wire.initialize()
    await wire.said()
    wire.deliver(arrived(START - 3000, START - 2000, START - 1000))
    const { value: batch } = await first
    const inner = batch?.[Symbol.iterator]()
    for (let taken = 0; taken < 3; taken += 1) inner?.next()
    assert.deepEqual(figures(), { lag: 1000, checkpointLag: 3000, unstored: 2 })
    const stored = batch?.checkpoint(batch.records[0])
    wire.answer(await wire.said())
    assert.equal(await stored, true)
    assert.deepEqual(figures(), { lag: 1000, checkpointLag: 2000, unstored: 1 })
    inner?.next()
    assert.deepEqual(figures(), { lag: 0, checkpointLag: 2000, unstored: 2 })
    const all = wire.session.checkpoint()
    wire.answer(await wire.said())
    assert.equal(await all, true)
    assert.deepEqual(figures(), { lag: 0, checkpointLag: 0, unstored: 0 })
  })

  test('goes on for batches that are acknowledged, whose records have been given up', async (t) => {
    const { wire, figures } = begin(t, manual())
    const loop = wire.session.batches()
    let next = loop.next()
    wire.initialize()
    await wire.said()
    for (let number = 1; number <= 3; number += 1) {
      wire.deliver([{ ...records(1, number)[0], approximateArrivalTimestamp: START } as WireRecord])
      ;(await next).value?.records
      next = loop.next()
      assert.deepEqual(await wire.said(), status('processRecords'))
    }
    wire.clock.advance(9000)
    assert.deepEqual(figures(), { lag: 0, checkpointLag: 9000, unstored: 3 })
  })
})

test('refusals count every try that the daemon refused', async (t) => {
  const { wire } = begin(t, everyRecords(1))
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  await wire.said()
  wire.deliver(arrived(START))
  ;(await first).value?.records
  void loop.next()
  for (let tries = 0; tries < 2; tries += 1) {
    wire.answer(await wire.said(), 'ThrottlingException')
    await wire.said()
    wire.clock.advance(60_000)
    wire.deliver([])
  }
  assert.equal(wire.session.stats.refusals, 2)
})

interface Begun {
  readonly wire: Wire
  lag(): number | null
  figures(): Pick<Stats, 'lag' | 'checkpointLag' | 'unstored'>
}

// The stream's clock stands at START, and ours moves by hand.
function begin(t: TestContext, policy = manual()): Begun {
  t.mock.timers.enable({ apis: ['Date'], now: START })
  const wire = new Wire(t, { policy })
  return {
    wire,
    lag: () => wire.session.stats.lag,
    figures: () => {
      const { lag, checkpointLag, unstored } = wire.session.stats
      return { lag, checkpointLag, unstored }
    },
  }
}

function pass(t: TestContext, wire: Wire, milliseconds: number): void {
  wire.clock.advance(milliseconds)
  t.mock.timers.setTime(START + wire.clock.now())
}

let position = 0

function arrived(...times: number[]): WireRecord[] {
  return times.map((time) => {
    position += 1
    return { ...(records(1, position)[0] as WireRecord), approximateArrivalTimestamp: time }
  })
}
