import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import {
  type BatchOptions,
  ChannelClosedError,
  everyRecords,
  type KclSessionOptions,
  manual,
  type RecordBatch,
  UsageError,
} from '../../lib/index.ts'
import { checkpoint, record, records, status, Wire } from '../helpers/wire.ts'

describe('a batch of one’s own size', () => {
  test('is filled from as many deliveries as it takes, each acknowledged when more is wanted', async (t) => {
    const { wire, next } = await looping(t, { maxRecords: 5 })
    const first = next()
    wire.deliver(records(2))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.deliver(records(2, 3))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.deliver(records(2, 5))
    assert.deepEqual(numbers(await first), ['1', '2', '3', '4', '5'])
    assert.deepEqual(await wire.heard(), [], 'the last delivery is in hand: nobody has asked for more')
    const second = next()
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.deliver(records(4, 7))
    assert.deepEqual(numbers(await second), ['6', '7', '8', '9', '10'])
    void next()
    assert.deepEqual(await wire.said(), status('processRecords'))
    assert.equal(wire.session.stats.records, 10)
  })

  test('is cut from a large delivery, which is acknowledged after the last of its records', async (t) => {
    const { wire, next } = await looping(t, { maxRecords: 4 })
    const first = next()
    wire.deliver(records(8))
    assert.deepEqual(numbers(await first), ['1', '2', '3', '4'])
    assert.deepEqual(numbers(await next()), ['5', '6', '7', '8'])
    assert.deepEqual(await wire.heard(), [])
    void next()
    assert.deepEqual(await wire.said(), status('processRecords'))
  })

  test('ends in front of the record that would be too many bytes', async (t) => {
    const { wire, next } = await looping(t, { maxBytes: 20 })
    const first = next()
    wire.deliver([record(1), record(2), record(3), record(4, 0, 'x'.repeat(50)), record(5)])
    assert.deepEqual(numbers(await first), ['1', '2'])
    assert.deepEqual(numbers(await next()), ['3'])
    assert.deepEqual(numbers(await next()), ['4'])
  })

  test('is handed out when its first record has waited for maxWait', async (t) => {
    const { wire, next } = await looping(t, { maxRecords: 100, maxWait: { seconds: 10 } })
    const first = next()
    wire.deliver(records(2))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.clock.advance(6000)
    wire.deliver(records(1, 3))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.clock.advance(3999)
    assert.equal(await settled(first), false)
    wire.clock.advance(1)
    assert.deepEqual(numbers(await first), ['1', '2', '3'])
  })

  for (const ending of ['shutdownRequested', 'shardEnded']) {
    test(`comes with what there is at ${ending}, before hook, checkpoint and status`, async (t) => {
      const seen: string[] = []
      const hook = () => void seen.push('hook')
      const options = { policy: manual(), onShutdownRequested: hook, onShardEnded: hook }
      const { wire, next } = await looping(t, { maxRecords: 2 }, options)
      let pending = next()
      wire.deliver(records(5))
      for (const expected of [
        ['1', '2'],
        ['3', '4'],
      ]) {
        assert.deepEqual(numbers(await pending), expected)
        pending = next()
      }
      assert.deepEqual(await wire.said(), status('processRecords'))
      wire.say({ action: ending })
      assert.deepEqual(numbers(await pending), ['5'])
      assert.deepEqual([await wire.heard(), seen], [[], []])
      const end = next()
      if (ending === 'shardEnded') {
        assert.deepEqual(await wire.said(), { action: 'checkpoint' })
        wire.answer({})
      }
      assert.deepEqual(await wire.said(), status(ending))
      assert.deepEqual(seen, ['hook'])
      wire.end()
      assert.equal(await end, undefined)
    })
  }

  test('is dropped with all that waits when the lease is lost', async (t) => {
    const { wire, next } = await looping(t, { maxRecords: 10 })
    const first = next()
    wire.deliver(records(3))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.say({ action: 'leaseLost' })
    assert.deepEqual(await wire.said(), status('leaseLost'))
    wire.end()
    assert.equal(await first, undefined)
    assert.equal(wire.session.stats.records, 0)
  })

  test('comes again with the same records after its loop was left, and nothing is stored of it', async (t) => {
    const { wire, next, leave } = await looping(t, { maxRecords: 3 }, { policy: everyRecords(1) })
    const first = next()
    wire.deliver(records(2))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.deliver(records(2, 3))
    assert.deepEqual(numbers(await first), ['1', '2', '3'])
    await leave()
    assert.deepEqual(await wire.heard(), [])
    assert.match(wire.notices[0] ?? '', /a batch was left unacknowledged; its records from 1 on/)
    const again = wire.session.batches({ maxRecords: 50 })
    const { value: batch } = (await again.next()) as { value: RecordBatch }
    assert.deepEqual([batch.attempt, numbers(batch)], [2, ['1', '2', '3']])
  })

  test('is told of and given up when it was left, though all that it holds was acknowledged', async (t) => {
    const { wire, next, leave } = await looping(t, { maxRecords: 2 }, { abandonAfter: { seconds: 5 } })
    const first = next()
    wire.deliver(records(1))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.deliver(records(1, 2))
    await first
    const second = next()
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.deliver(records(1, 3))
    assert.deepEqual(await wire.said(), status('processRecords'))
    assert.equal(await settled(second), false)
    await leave()
    assert.match(
      wire.notices.join(''),
      /a batch was left unfinished; its records from 3 on will be delivered again/,
    )
    wire.clock.advance(5000)
    await assert.rejects(wire.session.batches().next(), ChannelClosedError)
    assert.deepEqual(await wire.heard(), [])
    assert.equal(wire.outputEnded, true)
  })

  test('is not lost silently when the input ends between two actions', async (t) => {
    const { wire, next } = await looping(t, { maxRecords: 5 })
    const first = next()
    wire.deliver(records(2))
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.end()
    await assert.rejects(first, /with 2 unfinished records in hand.*will be delivered again/)
  })

  test('has its checkpoint sent with the next action where none is in hand; empty batches count', async (t) => {
    const { wire, next } = await looping(t, { maxRecords: 2 }, { policy: manual() })
    const first = next()
    wire.deliver(records(1))
    await wire.said()
    wire.deliver(records(3, 2))
    const batch = await first
    assert.deepEqual(numbers(batch), ['1', '2'])
    const second = await next()
    assert.deepEqual(numbers(second), ['3', '4'])
    const third = next()
    assert.deepEqual(await wire.said(), status('processRecords'))
    const stored = wire.session.checkpoint()
    assert.deepEqual(await wire.heard(), [])
    wire.deliver([])
    assert.deepEqual(await wire.said(), checkpoint(4))
    wire.answer(checkpoint(4))
    assert.equal(await stored, true)
    assert.deepEqual(await wire.said(), status('processRecords'))
    void third
  })

  test('is asked for by forEach as well', async (t) => {
    const wire = new Wire(t)
    const sizes: number[] = []
    const done = wire.session.forEach((_, batch) => void sizes.push(batch.records.length), { maxRecords: 3 })
    wire.initialize()
    await wire.said()
    wire.deliver(records(7))
    assert.deepEqual(await wire.said(), status('processRecords'))
    assert.deepEqual(sizes, [3, 3, 3, 3, 3, 3])
    wire.say({ action: 'shutdownRequested' })
    assert.deepEqual(await wire.said(), checkpoint(7))
    wire.answer(checkpoint(7))
    assert.deepEqual(await wire.said(), status('shutdownRequested'))
    wire.end()
    await done
    assert.equal(sizes.length, 7)
  })

  test('takes limits that are whole numbers, and a duration', (t) => {
    const { session } = new Wire(t)
    const cases: [unknown, RegExp][] = [
      [{ maxRecords: 0 }, /maxRecords is a whole number from 1, not 0/],
      [{ maxBytes: 1.5 }, /maxBytes/],
      [{ maxWait: 'soon' }, /maxWait.*not a duration/],
      [
        { maxRecord: 5 },
        /maxRecord is not an option\. Did you mean maxRecords\? There are maxRecords, maxBytes, maxWait\./,
      ],
      [null, /takes an object/],
    ]
    for (const [options, names] of cases) {
      assert.throws(
        () => session.batches(options as BatchOptions),
        (error: unknown) => {
          return error instanceof UsageError && names.test(error.message)
        },
      )
    }
    session.batches({ maxRecords: undefined, maxWait: undefined })
  })
})

describe('session.checkpoint()', () => {
  test('stores a position of any batch that was handed out, and the last finished one without an argument', async (t) => {
    const { wire, next } = await looping(t, {}, { policy: manual() })
    const first = next()
    wire.deliver(records(2))
    const batch = await first
    assert.ok(batch)
    const second = next()
    assert.equal((await wire.said()).action, 'status')
    wire.deliver(records(2, 3))
    const later = await second
    const old = wire.session.checkpoint(batch.records[0])
    assert.deepEqual(await wire.said(), checkpoint(1))
    wire.answer(checkpoint(1))
    assert.equal(await old, true)
    assert.equal(await wire.session.checkpoint(batch.records[0]), true, 'stored already')
    assert.deepEqual(await wire.heard(), [])
    const last = wire.session.checkpoint()
    assert.deepEqual(await wire.said(), checkpoint(2))
    wire.answer(checkpoint(2))
    assert.equal(await last, true)
    const current = wire.session.checkpoint({ sequenceNumber: '4', subSequenceNumber: 0 })
    assert.deepEqual(await wire.said(), checkpoint(4))
    wire.answer(checkpoint(4))
    assert.equal(await current, true)
    assert.equal(wire.session.stats.records, 4)
    assert.equal(later?.attempt, 1)
  })

  test('takes no position that was not handed out', async (t) => {
    const { wire, next } = await looping(t, { maxRecords: 2 }, { policy: manual() })
    const first = next()
    wire.deliver(records(4, 10))
    await first
    for (const number of [9, 12, 13, 14]) {
      const at = { sequenceNumber: String(number), subSequenceNumber: 0 }
      await assert.rejects(wire.session.checkpoint(at), new RegExp(`has handed out no record at ${number}`))
    }
    await assert.rejects(wire.session.checkpoint('12' as never), /is no position/)
  })

  test('is what batch.checkpoint() names for a record of another batch', async (t) => {
    const { wire, next } = await looping(t, {}, { policy: manual() })
    const first = next()
    wire.deliver(records(1))
    const old = (await first)?.records[0]
    const second = next()
    await wire.said()
    wire.deliver(records(1, 2))
    await assert.rejects((await second)?.checkpoint(old) ?? Promise.resolve(), /session\.checkpoint\(at\)/)
  })
})

/** A loop over batches of the sizes that has acknowledged initialize; each step touches the batch it gives. */
async function looping(t: TestContext, sizes: BatchOptions, options: KclSessionOptions = {}) {
  const wire = new Wire(t, options)
  const loop = wire.session.batches(sizes)
  const started = loop.next()
  wire.initialize()
  assert.deepEqual(await wire.said(), status('initialize'))
  let first: Promise<IteratorResult<RecordBatch>> | null = started
  const next = async (): Promise<RecordBatch | undefined> => {
    const step = first ?? loop.next()
    first = null
    const { value } = (await step) as { value: RecordBatch | undefined }
    assert.ok(value === undefined || value.records.length > 0)
    return value
  }
  const leave = async () => void (await loop.return?.())
  return { wire, next, leave }
}

function numbers(batch: RecordBatch | undefined): string[] | undefined {
  return batch?.records.map(({ sequenceNumber }) => sequenceNumber)
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.then(
    () => {
      done = true
    },
    () => {
      done = true
    },
  )
  for (let turn = 0; turn < 8; turn += 1) await new Promise(setImmediate)
  return done
}
