import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { type TestContext, test } from 'node:test'
import { everyRecords, manual } from '../../lib/index.ts'
import { records, SHARD, settle, Wire } from '../helpers/wire.ts'

test('a life of a shard, event by event', async (t) => {
  const events = listen(t, ['kcl-session:shard'])
  const wire = new Wire(t)
  const loop = wire.session.batches()
  const end = loop.next()
  wire.initialize()
  await settle()
  wire.say({ action: 'shutdownRequested' })
  await settle()
  wire.say({ action: 'leaseLost' })
  await settle()
  wire.end()
  await end
  assert.deepEqual(
    events.map(({ message }) => [message.shard, message.event]),
    ['initialized', 'shutdownRequested', 'leaseLost', 'ended'].map((event) => [SHARD, event]),
  )
  assert.equal(events[0]?.message.session, wire.session)
})

test('a failure is told with its error', async (t) => {
  const events = listen(t, ['kcl-session:shard'])
  const wire = new Wire(t)
  const loop = wire.session.batches()
  const end = loop.next()
  wire.say({ action: 'what?' })
  const error = await end.catch((thrown: unknown) => thrown)
  assert.deepEqual(
    events.map(({ message }) => [message.event, message.error === error]),
    [['failed', true]],
  )
})

test('a batch is traced from its hand-out to its end, with one object all along', async (t) => {
  const events = listen(t, names('batch'))
  const wire = new Wire(t, { policy: manual() })
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  wire.deliver(records(3), 1234)
  const { value: batch } = await first
  assert.deepEqual(kinds(events), ['start', 'end'])
  const inner = batch?.[Symbol.iterator]()
  inner?.next()
  batch?.skipRest()
  void loop.next()
  await settle()
  assert.deepEqual(kinds(events), ['start', 'end', 'asyncStart', 'asyncEnd'])
  const [{ message } = { message: {} as Message }] = events
  assert.ok(events.every((event) => event.message === message))
  const { session, ...told } = message
  assert.equal(session, wire.session)
  assert.deepEqual(told, {
    shard: SHARD,
    size: 3,
    bytes: 24,
    attempt: 1,
    millisBehindLatest: 1234,
    first: { sequenceNumber: '1', subSequenceNumber: 0 },
    last: { sequenceNumber: '3', subSequenceNumber: 0 },
    result: { finished: 3, skipped: 2 },
  })
})

test('a batch that is left ends in an error, and the next attempt is traced again', async (t) => {
  const events = listen(t, names('batch'))
  const wire = new Wire(t)
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  wire.deliver(records(1))
  await first
  await loop.return?.()
  assert.deepEqual(kinds(events), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  await wire.session.batches().next()
  assert.deepEqual([events.at(-1)?.message.attempt, events.length], [2, 7])
})

test('each try of a handler is traced, and whoever traces can put it into a context', async (t) => {
  const context = new AsyncLocalStorage<number>()
  const starts = channel('tracing:kcl-session:record:start')
  starts.bindStore(context, (message) => (message as { attempt: number }).attempt)
  t.after(() => starts.unbindStore(context))
  const events = listen(t, names('record'))
  const wire = new Wire(t, { policy: manual() })
  const seen: (number | undefined)[] = []
  const done = wire.session.forEach(
    async () => {
      await null
      seen.push(context.getStore())
      if (seen.length === 1) throw new Error('not yet')
    },
    { retry: { attempts: 2 } },
  )
  wire.initialize()
  wire.deliver(records(1))
  await settle()
  wire.clock.advance(1000)
  await settle()
  assert.deepEqual(seen, [1, 2])
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'start' || kind === 'error').map(({ kind }) => kind),
    ['start', 'error', 'start'],
  )
  wire.end()
  await done
})

test('a checkpoint is traced over all its tries, and each refusal is told', async (t) => {
  const events = listen(t, [...names('checkpoint'), 'kcl-session:refused'])
  const wire = new Wire(t, { policy: everyRecords(1) })
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  await wire.said()
  wire.deliver(records(1))
  ;(await first).value?.records
  void loop.next()
  wire.answer(await wire.said(), 'ThrottlingException')
  await wire.said()
  wire.clock.advance(60_000)
  wire.deliver([])
  wire.answer(await wire.said())
  await settle()
  assert.deepEqual(kinds(events), ['start', 'end', 'kcl-session:refused', 'asyncStart', 'asyncEnd'])
  const position = { sequenceNumber: '1', subSequenceNumber: 0 }
  const { session: _one, ...refused } = events[2]?.message ?? {}
  assert.deepEqual(refused, { shard: SHARD, position, exception: 'ThrottlingException', tries: 1 })
  const { session: _other, ...traced } = events.at(-1)?.message ?? {}
  assert.deepEqual(traced, { shard: SHARD, position, explicit: false, tries: 2 })
})

test('a checkpoint that is refused for good ends in its error', async (t) => {
  const events = listen(t, names('checkpoint'))
  const wire = new Wire(t, { policy: manual() })
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  await wire.said()
  wire.deliver(records(1))
  const { value: batch } = await first
  batch?.skipRest()
  const stored = batch?.checkpoint().catch((error: unknown) => error)
  wire.answer(await wire.said(), 'IllegalArgumentException')
  const error = await stored
  assert.deepEqual(kinds(events), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  assert.equal(events[2]?.message.error, error)
})

test('without subscribers nothing is made', async (t) => {
  const wire = new Wire(t, { policy: manual() })
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  wire.deliver(records(1))
  ;(await first).value?.records
  const events = listen(t, names('batch'))
  void loop.next()
  await settle()
  assert.deepEqual(events, [], 'a batch that was handed out before anybody listened is not told of')
})

type Message = Record<string, unknown>

interface Heard {
  readonly kind: string
  readonly message: Message
}

function listen(t: TestContext, channels: readonly string[]): Heard[] {
  const heard: Heard[] = []
  for (const name of channels) {
    const listener = (message: unknown): void => {
      heard.push({
        kind: name.startsWith('tracing:') ? (name.split(':').at(-1) ?? '') : name,
        message: message as Message,
      })
    }
    subscribe(name, listener)
    t.after(() => unsubscribe(name, listener))
  }
  return heard
}

function names(step: string): string[] {
  const { start, end, asyncStart, asyncEnd, error } = tracingChannel(`kcl-session:${step}`)
  return [start, end, asyncStart, asyncEnd, error].map(({ name }) => String(name))
}

function kinds(events: readonly Heard[]): string[] {
  return events.map(({ kind }) => kind)
}
