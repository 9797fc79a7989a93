import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  anyOf,
  ChannelClosedError,
  CheckpointError,
  DaemonProtocolError,
  everyBatch,
  everyInterval,
  everyRecords,
  type KclSessionOptions,
  LeaseLostError,
  manual,
  type RecordBatch,
  UsageError,
} from '../../lib/index.ts'
import { checkpoint, record, records, type Said, settle, status, Wire } from '../helpers/wire.ts'

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
  assert.deepEqual(await wire.heard(), [], 'no status while a checkpoint waits for its answer')
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

test('says nothing and reads nothing before a loop starts', async (t) => {
  const wire = new Wire(t)
  wire.initialize()
  assert.deepEqual(await wire.heard(), [])
  assert.equal(wire.session.shard, null)
})

for (const [way, leave] of [
  [
    'break',
    async (wire: Wire) => {
      for await (const _ of wire.session.batches()) break
    },
  ],
  [
    'return',
    (wire: Wire) =>
      (async () => {
        for await (const _ of wire.session.batches()) return
      })(),
  ],
  [
    'throw',
    async (wire: Wire) => {
      await assert.rejects(async () => {
        for await (const _ of wire.session.batches()) throw new Error('the body failed')
      }, /the body failed/)
    },
  ],
] as const) {
  test(`acknowledges and stores nothing when the loop is left by ${way}, and hands the batch out again`, async (t) => {
    const wire = await started(t, { policy: everyRecords(1) })
    wire.deliver(records(2))
    await leave(wire)
    assert.deepEqual(await wire.heard(), [])
    const again = await firstBatch(wire)
    assert.equal(again.attempt, 2)
    assert.equal(again.records.length, 2)
  })
}

test('hands out the records of a retried batch that are not finished, the failed one first', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(4))
  const seen: string[] = []
  const attempts: number[] = []
  const loop = (async () => {
    while (wire.session.state === 'open') {
      try {
        for await (const batch of wire.session.batches()) {
          attempts.push(batch.attempt)
          for await (const { sequenceNumber } of batch) {
            seen.push(sequenceNumber)
            if (sequenceNumber === '3' && batch.attempt < 3) throw new Error('not yet')
          }
        }
      } catch (error) {
        assert.match(String(error), /not yet/)
      }
    }
  })()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
  assert.deepEqual(seen, ['1', '2', '3', '3', '3', '4'])
  assert.deepEqual(attempts, [1, 2, 3])
})

test('does not lose the rest of a batch whose inner loop failed inside a try and catch', async (t) => {
  const wire = await started(t)
  wire.deliver(records(3))
  await assert.rejects(
    async () => {
      for await (const batch of wire.session.batches()) {
        try {
          for await (const _ of batch) throw new Error('swallowed')
        } catch {}
      }
    },
    (error: unknown) => error instanceof UsageError && /left early/.test(error.message),
  )
  assert.deepEqual(await wire.heard(), [])
  assert.equal(wire.session.state, 'open')
  assert.equal((await firstBatch(wire)).attempt, 2)
})

test('goes on after an inner loop that was left early, if the rest was skipped', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(5))
  const rest: string[] = []
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const { sequenceNumber } of batch) if (sequenceNumber === '2') break
      batch.skipRest()
      for await (const { sequenceNumber } of batch) rest.push(sequenceNumber)
      const stored = batch.checkpoint()
      assert.deepEqual(await wire.said(), checkpoint(5))
      wire.answer(checkpoint(5))
      assert.equal(await stored, true)
    }
  })()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
  assert.deepEqual(rest, [])
  assert.equal(wire.session.stats.skipped, 3)
  assert.equal(wire.session.stats.records, 5)
})

test('goes on after an inner loop that was left early, once an explicit checkpoint covers the rest', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(3))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const _ of batch) break
      void batch.checkpoint(batch.records.at(-1))
    }
  })()
  assert.deepEqual(await wire.said(), checkpoint(3))
  assert.deepEqual(await wire.heard(), [])
  wire.answer(checkpoint(3))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
})

test('does not take a checkpoint that was refused as covering the rest', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(3))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const _ of batch) break
      batch.checkpoint(batch.records.at(-1)).catch(() => {})
    }
  })()
  wire.answer(await wire.said(), 'InvalidStateException')
  await assert.rejects(loop, UsageError)
  assert.deepEqual(await wire.heard(), [])
})

test('finishes the whole batch where only its records array is used, and asks the policy once', async (t) => {
  const asked: string[] = []
  const policy = {
    shouldCheckpoint: ({ after, records }: { after: string; records: number }) => {
      asked.push(`${after} ${records}`)
      return false
    },
  }
  const wire = await started(t, { policy })
  wire.deliver(records(3))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) batch.records.pop()
  })()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
  assert.deepEqual(asked, ['batch 3'])
})

test('asks a policy that wants batches only once for each batch, and any other after each record, too', async (t) => {
  for (const perRecord of [false, true, undefined]) {
    const asked: string[] = []
    const policy = {
      perRecord,
      shouldCheckpoint: ({ after, records }: { after: string; records: number }) => {
        asked.push(`${after} ${records}`)
        return false
      },
    }
    const wire = await started(t, { policy })
    wire.deliver(records(3))
    const loop = consume(wire)
    assert.deepEqual(await wire.said(), status('processRecords'))
    wire.end()
    await loop
    const perBatch = ['batch 3']
    assert.deepEqual(
      asked,
      perRecord === false ? perBatch : ['record 1', 'record 2', 'record 3', ...perBatch],
    )
  }
})

test('does not ask a policy after a record before what is finished has waited for as long as the policy is quiet', async (t) => {
  const asked: string[] = []
  const policy = {
    quietFor: 1000,
    shouldCheckpoint: ({ after, records, elapsed }: { after: string; records: number; elapsed: number }) => {
      asked.push(`${after} ${records} ${elapsed}`)
      return false
    },
  }
  const wire = await started(t, { policy })
  wire.deliver(records(4))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const { sequenceNumber } of batch) {
        // The first is finished when the second is asked for.
        if (sequenceNumber === '2') wire.clock.advance(999)
        if (sequenceNumber === '3') wire.clock.advance(1)
      }
    }
  })()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
  assert.deepEqual(asked, ['record 3 1000', 'record 4 1000', 'batch 4 1000'])
})

test('asks a policy that goes by the time alone after a batch, too, only when its time has come', async (t) => {
  const policy = everyInterval('PT1M')
  const asked = t.mock.method(policy, 'shouldCheckpoint')
  const wire = await started(t, { policy })
  const loop = (async () => {
    for await (const batch of wire.session.batches()) assert.equal(batch.records.length, 2)
  })()
  const deliver = async (first: number): Promise<void> => {
    wire.deliver(records(2, first))
    await settle()
  }
  await deliver(1)
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.clock.advance(59_999)
  await deliver(3)
  assert.deepEqual(await wire.said(), status('processRecords'))
  assert.equal(asked.mock.callCount(), 0)
  wire.clock.advance(1)
  await deliver(5)
  assert.deepEqual(await wire.said(), checkpoint(6))
  wire.answer(checkpoint(6))
  assert.deepEqual(await wire.said(), status('processRecords'))
  assert.equal(asked.mock.callCount(), 1)
  wire.clock.advance(59_999)
  await deliver(7)
  assert.deepEqual(await wire.said(), status('processRecords'))
  assert.equal(asked.mock.callCount(), 1)
  wire.end()
  await loop
})

test('asks at the end of a batch, however long one of several policies is quiet', async (t) => {
  const wire = await started(t, { policy: anyOf(everyInterval('PT1M'), everyBatch()) })
  wire.deliver(records(3))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) for await (const _ of batch);
  })()
  assert.deepEqual(await wire.said(), checkpoint(3))
  wire.answer(checkpoint(3))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
})

test('a policy that is quiet is asked in time again about what a failed checkpoint had asked for', async (t) => {
  const wire = await started(t, { policy: everyInterval({ seconds: 60 }), checkpointRetry: { attempts: 1 } })
  wire.deliver(records(5))
  const go = new Map<string, () => void>()
  const done = wire.session.forEach(
    ({ sequenceNumber }) => new Promise<void>((resolve) => go.set(sequenceNumber, resolve)),
  )
  const finish = async (sequenceNumber: string): Promise<void> => {
    await settle()
    go.get(sequenceNumber)?.()
    await settle()
  }
  await finish('1')
  wire.clock.advance(60_000)
  await finish('2')
  assert.deepEqual(await wire.said(), checkpoint(2))
  await finish('3')
  wire.answer(checkpoint(2), 'InvalidStateException')
  await settle()
  // Automatic checkpoints rest for a while after one that failed.
  wire.clock.advance(30_000)
  await finish('4')
  assert.deepEqual(await wire.said(), checkpoint(4))
  wire.answer(checkpoint(4))
  await finish('5')
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await done
})

test('stores up to the current record while the inner loop is live, and the whole batch after it', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(3))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const { sequenceNumber } of batch) {
        if (sequenceNumber === '2') assert.equal(await batch.checkpoint(), true)
      }
      assert.equal(await batch.checkpoint(), true)
    }
  })()
  wire.answer(await expected(wire, checkpoint(2)))
  wire.answer(await expected(wire, checkpoint(3)))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
  assert.deepEqual(wire.session.checkpointed, { sequenceNumber: '3', subSequenceNumber: 0 })
})

test('stores only what is finished by a checkpoint in a catch or finally around the inner loop', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(3))
  const answers: boolean[] = []
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      try {
        for await (const { sequenceNumber } of batch) {
          if (sequenceNumber === '2') throw new Error('bad record')
        }
      } catch (error) {
        answers.push(await batch.checkpoint())
        throw error
      } finally {
        answers.push(await batch.checkpoint())
      }
    }
  })()
  wire.answer(await expected(wire, checkpoint(1)))
  await assert.rejects(loop, /bad record/)
  assert.deepEqual(answers, [true, true])
  assert.deepEqual(await wire.heard(), [])
})

test('answers true without a word when nothing is finished, or when it is stored already', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(2))
  for await (const batch of wire.session.batches()) {
    for await (const _ of batch) break
    assert.equal(await batch.checkpoint(), true)
    break
  }
  assert.deepEqual(await wire.heard(), [])
})

test('stores exactly where it is told by a record or a position, and nowhere else', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver([record(1), record(2, 0), record(2, 1), record(3)])
  const batch = await firstBatch(wire, 'stay')
  const stored = batch.checkpoint({ sequenceNumber: '2', subSequenceNumber: 1 })
  wire.answer(await expected(wire, checkpoint(2, 1)))
  assert.equal(await stored, true)
  const foreign = [{ sequenceNumber: '9', subSequenceNumber: 0 }, { sequenceNumber: 'LATEST' }, 2, null]
  for (const at of foreign) await assert.rejects(batch.checkpoint(at as never), UsageError)
  assert.deepEqual(await wire.heard(), [])
})

test('refuses a second live loop, a second pending next(), and two inner loops at once', async (t) => {
  const wire = await started(t)
  const first = wire.session.batches()
  const pending = first.next()
  await assert.rejects(first.next(), UsageError)
  await assert.rejects(wire.session.batches().next(), UsageError)
  wire.deliver(records(2))
  const { value: batch } = await pending
  assert.ok(batch)
  const inner = batch[Symbol.asyncIterator]()
  await inner.next()
  await assert.rejects(batch[Symbol.asyncIterator]().next(), UsageError)
  assert.equal((await inner.next()).value?.sequenceNumber, '2', 'the live loop is not disturbed')
})

test('settles a pending next() as done when return() is called, and keeps what arrives for the next loop', async (t) => {
  const wire = await started(t)
  const loop = wire.session.batches()
  const pending = loop.next()
  assert.deepEqual(await loop.return?.(), { done: true, value: undefined })
  assert.deepEqual(await pending, { done: true, value: undefined })
  wire.deliver(records(1))
  assert.deepEqual(await wire.heard(), [])
  assert.equal((await firstBatch(wire)).attempt, 1)
})

test('stops a leaked loop of an old attempt', async (t) => {
  const wire = await started(t)
  wire.deliver(records(3))
  const loop = wire.session.batches()
  const old = (await loop.next()).value
  assert.ok(old)
  const leaked = old[Symbol.asyncIterator]()
  await leaked.next()
  await loop.return?.()
  const again = await firstBatch(wire, 'stay')
  await assert.rejects(leaked.next(), UsageError)
  assert.deepEqual(await leaked.next(), { done: true, value: undefined })
  await assert.rejects(old.checkpoint(), UsageError)
  assert.throws(() => old.skipRest(), UsageError)
  await assert.rejects(old.checkpoint(old.records[1]), /not finished/)
  assert.ok(old.signal.reason instanceof UsageError)
  assert.equal(again.signal.aborted, false)
})

test('stores a finished position of an attempt that is over', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(3))
  let old: RecordBatch | undefined
  for await (const batch of wire.session.batches()) {
    old = batch
    for await (const { sequenceNumber } of batch) if (sequenceNumber === '2') break
    break
  }
  const stored = old?.checkpoint(old.records[0])
  wire.answer(await expected(wire, checkpoint(1)))
  assert.equal(await stored, true)
})

test('goes on with automatic checkpoints while the body runs; the newest position wins', async (t) => {
  const wire = await started(t, { policy: everyRecords(1) })
  wire.deliver(records(4))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) for await (const _ of batch);
  })()
  assert.deepEqual(await wire.heard(), [checkpoint(1)])
  wire.answer(checkpoint(1))
  assert.deepEqual(await wire.heard(), [checkpoint(4)])
  wire.answer(checkpoint(4))
  assert.deepEqual(await wire.heard(), [status('processRecords')])
  wire.end()
  await loop
})

test('acknowledges while an automatic checkpoint waits for its next try, and tries it in the next action', async (t) => {
  const wire = await started(t, { policy: everyRecords(3) })
  wire.deliver(records(3))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) for await (const _ of batch);
  })()
  wire.answer(await expected(wire, checkpoint(3)), 'ThrottlingException')
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.clock.advance(30_000)
  assert.deepEqual(await wire.heard(), [], 'none between actions')
  wire.deliver([])
  assert.deepEqual(await wire.said(), checkpoint(3))
  wire.answer(checkpoint(3))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
  assert.equal(wire.session.stats.retries, 1)
})

test('holds a checkpoint that is asked for between actions, and answers false when leaseLost comes first', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(2))
  const loop = wire.session.batches()
  const { value: batch } = await loop.next()
  assert.equal(batch?.records.length, 2)
  const done = loop.next()
  assert.deepEqual(await wire.said(), status('processRecords'))
  const first = batch.checkpoint(batch.records[0])
  assert.deepEqual(await wire.heard(), [])
  wire.deliver([])
  wire.answer(await expected(wire, checkpoint(1)))
  assert.equal(await first, true)
  assert.deepEqual(await wire.said(), status('processRecords'))
  const second = batch.checkpoint(batch.records[1])
  wire.say({ action: 'leaseLost' })
  assert.equal(await second, false)
  assert.deepEqual(await wire.said(), status('leaseLost'))
  wire.end()
  assert.equal((await done).done, true)
})

test('does not yield empty batches, and stores the tail of an idle shard', async (t) => {
  const wire = await started(t)
  wire.deliver(records(1))
  let batches = 0
  const loop = (async () => {
    for await (const batch of wire.session.batches()) batches += Math.min(1, batch.records.length)
  })()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.deliver([])
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.clock.advance(60_000)
  wire.deliver([])
  wire.answer(await expected(wire, checkpoint(1)))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.deliver([])
  assert.deepEqual(await wire.said(), status('processRecords'), 'nothing new: nothing is sent')
  wire.end()
  await loop
  assert.equal(batches, 1)
})

test('acknowledges and ends quietly when a checkpoint tells that the lease is lost', async (t) => {
  const wire = await started(t, { policy: everyRecords(1) })
  wire.deliver(records(3))
  const seen: string[] = []
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const record of batch) {
        seen.push(record.text())
        await settle()
      }
    }
  })()
  wire.answer(await expected(wire, checkpoint(1)), 'ShutdownException')
  assert.deepEqual(await wire.said(), status('processRecords'))
  assert.ok(wire.session.signal.reason instanceof LeaseLostError)
  wire.deliver(records(2, 4))
  assert.deepEqual(await wire.said(), status('processRecords'), 'acknowledged without being handed out')
  wire.say({ action: 'leaseLost' })
  assert.deepEqual(await wire.said(), status('leaseLost'))
  wire.end()
  await loop
  // On a slow machine the event loop turns, and the news is there, before the second is handed out.
  assert.deepEqual(seen, ['record 1', 'record 2'].slice(0, seen.length))
  assert.ok(seen.length > 0)
})

test('lets the error of a body that fails because the lease is lost go up only after the input has ended', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(2))
  let settled = false
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const _ of batch) {
        const stored = await batch.checkpoint()
        assert.equal(stored, false)
        batch.signal.throwIfAborted()
      }
    }
  })()
  loop.catch(() => {
    settled = true
  })
  wire.answer(await expected(wire, checkpoint(1)), 'ShutdownException')
  assert.deepEqual(
    await wire.said(),
    status('processRecords'),
    'left by a throw, and acknowledged all the same',
  )
  wire.say({ action: 'leaseLost' })
  assert.deepEqual(await wire.said(), status('leaseLost'))
  assert.equal(settled, false)
  wire.end()
  await assert.rejects(loop, LeaseLostError)
})

test('acknowledges at once what was left behind when the lease turns out to be lost', async (t) => {
  const wire = await started(t, { policy: everyRecords(1) })
  wire.deliver(records(2))
  for await (const batch of wire.session.batches()) {
    for await (const { sequenceNumber } of batch) if (sequenceNumber === '2') break
    break
  }
  wire.answer(await expected(wire, checkpoint(1)), 'ShutdownException')
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.say({ action: 'leaseLost' })
  assert.deepEqual(await wire.said(), status('leaseLost'))
  wire.end()
  await settle()
  assert.equal(wire.session.state, 'ended')
})

test('ends quietly when the input ends after the lease was lost, in the middle of an action too', async (t) => {
  const wire = await started(t, { policy: everyRecords(1) })
  wire.deliver(records(2))
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const { sequenceNumber } of batch) {
        if (sequenceNumber === '1') continue
        wire.answer(checkpoint(1), 'ShutdownException')
        wire.end()
        await settle()
        assert.equal(batch.signal.aborted, true)
      }
    }
  })()
  assert.deepEqual(await wire.said(), checkpoint(1))
  await loop
  assert.equal(wire.session.state, 'ended')
})

for (const [where, reach] of [
  ['in initialize', async (wire: Wire) => wire.initialize()],
  [
    'in the middle of a batch',
    async (wire: Wire) => {
      wire.initialize()
      await wire.said()
      wire.deliver(records(2))
    },
  ],
] as const) {
  test(`rejects the next step when the input ends ${where}, and says that it comes again`, async (t) => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const wire = new Wire(t, { onInitialize: () => (where === 'in initialize' ? held : undefined) })
    const loop = (async () => {
      for await (const batch of wire.session.batches()) for await (const _ of batch) await held
    })()
    const rejected = assert.rejects(
      loop,
      (error: unknown) => error instanceof ChannelClosedError && /delivered again/.test(error.message),
    )
    await reach(wire)
    await settle()
    wire.end()
    await settle()
    release()
    await rejected
    assert.equal(wire.session.state, 'failed')
    assert.ok(wire.session.signal.reason instanceof ChannelClosedError)
    await assert.rejects(wire.session.batches().next(), ChannelClosedError)
  })
}

test('rejects waiting checkpoints when the input ends, after the signal has aborted', async (t) => {
  const wire = await started(t, { policy: manual() })
  wire.deliver(records(1))
  const order: string[] = []
  wire.session.signal.addEventListener('abort', () => order.push('aborted'))
  const batch = await firstBatch(wire, 'stay')
  const stored = batch.checkpoint()
  stored.catch(() => order.push('rejected'))
  await wire.said()
  wire.end()
  await assert.rejects(stored, ChannelClosedError)
  assert.deepEqual(order, ['aborted', 'rejected'])
})

test('ends quietly when the input ends between actions', async (t) => {
  for (const before of [(_: Wire) => {}, (wire: Wire) => wire.initialize()]) {
    const wire = new Wire(t)
    const loop = wire.session.batches().next()
    before(wire)
    await settle()
    wire.end()
    assert.equal((await loop).done, true)
    assert.equal(wire.session.state, 'ended')
    assert.equal(wire.session.signal.aborted, false)
    assert.equal((await wire.session.batches().next()).done, true)
  }
})

test('takes a blank line as no word of the daemon', async (t) => {
  const wire = await started(t)
  const loop = consume(wire)
  wire.say('\n')
  wire.deliver(records(1))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  await loop
})

test('takes half a line at the end as no line', async (t) => {
  const wire = await started(t)
  const loop = wire.session.batches().next()
  wire.input.end('{"action":"processRec')
  assert.equal((await loop).done, true)
})

test('takes an error of either stream as the end', async (t) => {
  for (const side of ['input', 'output'] as const) {
    const wire = await started(t)
    wire.deliver(records(1))
    const batch = await firstBatch(wire, 'stay')
    const inner = batch[Symbol.asyncIterator]()
    await inner.next()
    wire[side].destroy(new Error('the pipe broke'))
    await settle()
    await assert.rejects(inner.next(), (error: unknown) => error instanceof ChannelClosedError)
  }
})

test('runs the hook, then the checkpoint, then the status of shutdownRequested', async (t) => {
  const order: string[] = []
  const wire = await started(t, {
    policy: everyRecords(100),
    onShutdownRequested: async ({ shard }) => {
      await settle()
      order.push(`hook of ${shard.shardId}`)
    },
  })
  const loop = consume(wire)
  wire.deliver(records(2))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.say({ action: 'shutdownRequested' })
  const asked = await wire.said()
  order.push(asked.action)
  wire.answer(asked)
  assert.deepEqual(await wire.said(), status('shutdownRequested'))
  assert.deepEqual(order, ['hook of shardId-000000000000', 'checkpoint'])
  wire.end()
  await loop
})

test('leaves the last checkpoint to the hook under a manual policy', async (t) => {
  const wire = await started(t, {
    policy: manual(),
    onShutdownRequested: async (context) => assert.equal(await context.checkpoint(), true),
  })
  const loop = consume(wire)
  wire.deliver(records(2))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.say({ action: 'shutdownRequested' })
  wire.answer(await expected(wire, checkpoint(2)))
  assert.deepEqual(await wire.said(), status('shutdownRequested'))
  wire.end()
  await loop
})

test('acknowledges a shutdown whose last checkpoint was refused for good', async (t) => {
  const wire = await started(t)
  const loop = consume(wire)
  wire.deliver(records(1))
  await wire.said()
  wire.say({ action: 'shutdownRequested' })
  wire.answer(await wire.said(), 'InvalidStateException')
  assert.deepEqual(await wire.said(), status('shutdownRequested'))
  wire.end()
  await loop
})

test('stores the end of a shard without a sequence number before its status', async (t) => {
  const wire = await started(t, { policy: manual(), onShardEnded: () => {} })
  const loop = consume(wire)
  wire.deliver(records(1))
  await wire.said()
  wire.say({ action: 'shardEnded' })
  for (const exception of ['ThrottlingException', 'RuntimeException']) {
    wire.answer(await expected(wire, { action: 'checkpoint' }), exception)
    assert.deepEqual(await wire.heard(), [])
    wire.clock.advance(30_000)
  }
  wire.answer(await expected(wire, { action: 'checkpoint' }))
  assert.deepEqual(await wire.said(), status('shardEnded'))
  wire.end()
  await loop
})

test('fails without a status when the end of the shard cannot be stored', async (t) => {
  const wire = await started(t, { checkpointRetry: { attempts: 2 } })
  const loop = consume(wire)
  wire.say({ action: 'shardEnded' })
  wire.answer(await wire.said(), 'ThrottlingException')
  await settle()
  wire.clock.advance(30_000)
  wire.answer(await wire.said(), 'ThrottlingException')
  await assert.rejects(
    loop,
    (error: unknown) => error instanceof CheckpointError && error.retryable && error.position === null,
  )
  assert.deepEqual(await wire.heard(), [])
  assert.equal(wire.outputEnded, true, 'the daemon must not wait')
})

test('acknowledges a shard end when the lease was lost before it could be stored', async (t) => {
  const wire = await started(t)
  const loop = consume(wire)
  wire.say({ action: 'shardEnded' })
  wire.answer(await wire.said(), 'ShutdownException')
  assert.deepEqual(await wire.said(), status('shardEnded'))
  wire.end()
  await loop
})

test('takes the shutdown of 1.x daemons, and answers it under its own name', async (t) => {
  for (const [reason, said] of [
    ['TERMINATE', [{ action: 'checkpoint' }, status('shutdown')]],
    ['ZOMBIE', [status('shutdown')]],
  ] as const) {
    const wire = await started(t)
    const loop = consume(wire)
    wire.say({ action: 'shutdown', reason })
    for (const line of said) {
      const heard = await expected(wire, line)
      if (heard.action === 'checkpoint') wire.answer(heard)
    }
    wire.end()
    await loop
  }
})

for (const hook of ['onInitialize', 'onShardEnded', 'onShutdownRequested', 'onLeaseLost'] as const) {
  test(`fails with the hook's own error when ${hook} throws, without a status or a checkpoint`, async (t) => {
    const failure = new Error('the hook failed')
    const wire = new Wire(t, {
      [hook]: async () => {
        throw failure
      },
    })
    const loop = consume(wire)
    wire.initialize()
    if (hook !== 'onInitialize') {
      await wire.said()
      wire.say({ action: `${hook.charAt(2).toLowerCase()}${hook.slice(3)}` })
    }
    await assert.rejects(loop, (error: unknown) => error === failure)
    assert.deepEqual(await wire.heard(), [])
    assert.equal(wire.session.state, 'failed')
    assert.equal(
      wire.session.signal.reason.cause === failure || wire.session.signal.reason instanceof LeaseLostError,
      true,
    )
    assert.equal(wire.outputEnded, true)
  })
}

test('fails when a policy throws or answers with a promise', async (t) => {
  for (const [shouldCheckpoint, error] of [
    [
      () => {
        throw new RangeError('the policy failed')
      },
      RangeError,
    ],
    [async () => true, UsageError],
  ] as const) {
    const wire = await started(t, { policy: { shouldCheckpoint } as never })
    const loop = consume(wire)
    wire.deliver(records(1))
    await assert.rejects(loop, error)
    assert.deepEqual(await wire.heard(), [])
    assert.equal(wire.session.state, 'failed')
  }
})

for (const [what, line, names] of [
  ['an unknown action', { action: 'rebalance' }, /rebalance/],
  ['a line that is not JSON', 'Exception in thread "main"', /not JSON/],
  ['a line that is no object', '[]', /not a JSON object/],
  ['a missing field', { action: 'processRecords' }, /processRecords.*"records"/],
  [
    'a record without a sequence number',
    { action: 'processRecords', records: [{ partitionKey: 'k' }] },
    /records\[0\]\.sequenceNumber/,
  ],
  ['an answer nobody asked for', { action: 'checkpoint', error: null }, /no checkpoint was waiting/],
  ['an unknown reason', { action: 'shutdown', reason: 'WHIM' }, /"reason" is "\\"WHIM\\""/],
] as const) {
  test(`fails loudly on ${what}, and acknowledges nothing`, async (t) => {
    const wire = await started(t)
    const loop = consume(wire)
    wire.say(line)
    await assert.rejects(
      loop,
      (error: unknown) => error instanceof DaemonProtocolError && names.test(error.message),
    )
    assert.deepEqual(await wire.heard(), [])
    assert.equal(wire.outputEnded, true)
  })
}

test('fails on an action that comes while one is in hand', async (t) => {
  const wire = await started(t)
  wire.deliver(records(1))
  const batch = await firstBatch(wire, 'stay')
  wire.deliver(records(1, 2))
  await settle()
  await assert.rejects(batch[Symbol.asyncIterator]().next(), DaemonProtocolError)
})

test('sees answers and the end of the input under a body that never waits', async (t) => {
  const wire = await started(t, { policy: everyRecords(1) })
  wire.deliver(records(400))
  let aborted = 0
  const loop = (async () => {
    for await (const batch of wire.session.batches()) {
      for await (const { sequenceNumber } of batch) {
        const until = performance.now() + 1
        while (performance.now() < until);
        if (sequenceNumber === '50') wire.end()
        aborted = Number(sequenceNumber)
      }
    }
  })()
  await assert.rejects(loop, ChannelClosedError)
  assert.ok(aborted < 400, `saw the end at record ${aborted}`)
})

test('gives the shard up when no loop comes back in time', async (t) => {
  const wire = await started(t, { abandonAfter: { seconds: 5 } })
  wire.deliver(records(1))
  await firstBatch(wire)
  assert.match(wire.notices[0] ?? '', /^kcl-session: shardId-000000000000: .* from 1 on .* closed in 5 s/)
  wire.clock.advance(4999)
  await settle()
  assert.equal(wire.outputEnded, false)
  await firstBatch(wire)
  wire.clock.advance(4999)
  await settle()
  assert.equal(wire.outputEnded, false, 'a loop that came back starts the watch anew')
  wire.clock.advance(1)
  await settle()
  assert.equal(wire.outputEnded, true)
  await assert.rejects(wire.session.batches().next(), ChannelClosedError)
})

test('hands out a batch only once to a pending loop, and ends it with close()', async (t) => {
  const wire = await started(t)
  const pending = wire.session.batches().next()
  await wire.session.close()
  assert.deepEqual(await pending, { done: true, value: undefined })
  assert.equal(wire.session.state, 'ended')
  await wire.session.close()
})

test('closes the output when it is closed with an action in hand', async (t) => {
  const wire = await started(t)
  wire.deliver(records(1))
  const batch = await firstBatch(wire, 'stay')
  const stored = batch.checkpoint()
  await wire.said()
  await Promise.all([wire.session.close(), assert.rejects(stored, ChannelClosedError)])
  await settle()
  assert.equal(wire.outputEnded, true)
  assert.deepEqual(await wire.heard(), [])
})

async function started(t: TestContext, options: KclSessionOptions = {}): Promise<Wire> {
  const wire = new Wire(t, options)
  const loop = wire.session.batches()
  const pending = loop.next()
  wire.initialize()
  assert.deepEqual(await wire.said(), status('initialize'))
  await loop.return?.()
  await pending
  return wire
}

// The batch in hand, in a loop that is left again, or with 'stay' is not.
async function firstBatch(wire: Wire, leave: 'leave' | 'stay' = 'leave'): Promise<RecordBatch> {
  const loop = wire.session.batches()
  const { value } = await loop.next()
  assert.ok(value)
  if (leave === 'leave') await loop.return?.()
  return value
}

async function consume(wire: Wire): Promise<void> {
  for await (const batch of wire.session.batches()) for await (const _ of batch);
}

async function expected(wire: Wire, line: Said): Promise<Said> {
  const said = await wire.said()
  assert.deepEqual(said, line)
  return said
}
