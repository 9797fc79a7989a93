import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  everyInterval,
  everyRecords,
  type HandlerContext,
  type KclSessionOptions,
  type KinesisRecord,
  manual,
  type RecordBatch,
  type RecordHandler,
  type SessionForEachOptions,
  UsageError,
} from '../../lib/index.ts'
import type { WireRecord } from '../../lib/protocol/messages.ts'
import { checkpoint, record, records, SHARD, settle, status, Wire } from '../helpers/wire.ts'

describe('with a concurrency', () => {
  test('keys go side by side, and the records of one key one after the other', async (t) => {
    const work = await working(t, { concurrency: 3 })
    work.deliver(['a', 'a', 'b', 'b', 'c', 'd'])
    assert.deepEqual(await work.running(), ['1', '3', '5'])
    work.finish('3')
    assert.deepEqual(await work.running(), ['1', '4', '5'])
    work.finish('5')
    assert.deepEqual(await work.running(), ['1', '4', '6'])
    for (const number of ['6', '4', '1']) work.finish(number)
    assert.deepEqual(await work.running(), ['2'])
    assert.deepEqual(await work.wire.heard(), [], 'the status waits for the slowest')
    work.finish('2')
    assert.deepEqual(await work.wire.said(), status('processRecords'))
  })

  test('and no ordering, or the keys of a function, other records wait for each other', async (t) => {
    const none = await working(t, { concurrency: 9, ordering: 'none' })
    none.deliver(['a', 'a', 'a'])
    assert.deepEqual(await none.running(), ['1', '2', '3'])
    const parity = await working(t, { concurrency: 9, ordering: (one) => Number(one.sequenceNumber) % 2 })
    parity.deliver(['a', 'b', 'c', 'd'])
    assert.deepEqual(await parity.running(), ['1', '2'])
  })

  test('a key whose records take as long as all others together does not wait for its turn', async (t) => {
    const work = await working(t, { concurrency: 2 })
    work.deliver(['a', 'b', 'c', 'd', 'e', 'f', 'z', 'z', 'z', 'z'])
    assert.deepEqual(await work.running(), ['1', '2'])
    work.finish('1')
    assert.deepEqual(await work.running(), ['2', '7'])
    work.finish('2')
    assert.deepEqual(await work.running(), ['3', '7'])
  })

  test('a function for keys that throws stops the work, with the position of its record', async (t) => {
    const ordering = (one: KinesisRecord): string => {
      if (one.sequenceNumber === '3') throw new Error('no such field')
      return one.partitionKey
    }
    const work = await working(t, { concurrency: 4, ordering }, { policy: manual() })
    work.deliver(['a', 'b', 'c'])
    assert.deepEqual(await work.running(), ['1'])
    assert.equal(await work.settled(), false, 'what is at work is awaited')
    work.finish('1')
    assert.match(String(await work.outcome()), /no such field \(at record 3\)/)
  })

  test('checkpoints follow the watermark, over finished neighbours only', async (t) => {
    const work = await working(t, { concurrency: 4 }, { policy: everyRecords(1) })
    work.deliver(['a', 'b', 'c', 'd'])
    assert.equal((await work.running()).length, 4)
    work.finish('2')
    work.finish('3')
    assert.deepEqual(await work.wire.heard(), [])
    work.finish('1')
    assert.deepEqual(await work.wire.said(), checkpoint(3))
  })

  test('true is a request that fires when the watermark reaches its record', async (t) => {
    const work = await working(t, { concurrency: 4 }, { policy: manual() })
    work.deliver(['a', 'b', 'c', 'd'])
    assert.equal((await work.running()).length, 4)
    work.finish('3', true)
    work.finish('2')
    assert.deepEqual(await work.wire.heard(), [])
    work.finish('1')
    assert.deepEqual(await work.wire.said(), checkpoint(3))
  })

  test('a retry holds its own key back, and no other', async (t) => {
    const work = await working(t, { concurrency: 2, retry: { attempts: 2, initialDelay: { seconds: 1 } } })
    work.deliver(['a', 'a', 'b', 'c'])
    assert.deepEqual(await work.running(), ['1', '3'])
    work.fail('1', new Error('not now'))
    assert.deepEqual(await work.running(), ['3', '4'])
    work.finish('4')
    work.finish('3')
    assert.deepEqual(await work.running(), [])
    work.wire.clock.advance(1000)
    assert.deepEqual(await work.running(), ['1'])
    work.finish('1')
    assert.deepEqual(await work.running(), ['2'])
  })

  test('on a stop nothing new starts, the signal aborts, what runs is awaited, and the watermark is stored', async (t) => {
    const work = await working(t, { concurrency: 3 })
    work.deliver(['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(await work.running(), ['1', '2', '3'])
    work.finish('1')
    assert.deepEqual(await work.running(), ['2', '3', '4'])
    const error = new Error('poison')
    work.fail('3', error)
    assert.deepEqual(await work.running(), ['2', '4'])
    assert.equal(work.signal()?.aborted, true)
    assert.equal(await work.settled(), false)
    work.finish('4')
    work.finish('2')
    assert.deepEqual(await work.wire.said(), checkpoint(2))
    work.wire.answer(checkpoint(2))
    assert.equal(await work.outcome(), error)
    assert.match(error.message, /^poison \(at record 3\)$/)
    assert.match(error.stack ?? '', /poison \(at record 3\)/)
    const again = await work.again()
    assert.deepEqual(await again.running(), ['3', '5'], 'what finished out of order does not run again')
  })

  test('several failures go up together, and those of handlers that heed the signal do not count', async (t) => {
    const work = await working(t, { concurrency: 4 }, { policy: manual() })
    work.deliver(['a', 'b', 'c', 'd'])
    await work.running()
    work.fail('1', new Error('one'))
    work.fail('2', new Error('two'))
    await work.running()
    work.fail('3', work.signal()?.reason)
    work.fail('4', new DOMException('stopped', 'AbortError'))
    const error = (await work.outcome()) as AggregateError
    assert.ok(error instanceof AggregateError)
    assert.equal(error.message, '2 handlers failed: one (at record 1); two (at record 2)')
  })

  test('a skip is counted, and logged with its position', async (t) => {
    const told: string[] = []
    const ignore = () => {}
    const logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (text: string) => void told.push(text),
    }
    const work = await working(t, { concurrency: 2, onError: async () => 'skip' }, { logger })
    work.deliver(['a', 'b'])
    await work.running()
    work.fail('2', new Error('odd'))
    work.finish('1')
    assert.deepEqual(await work.wire.said(), status('processRecords'))
    assert.equal(work.wire.session.stats.skipped, 1)
    assert.match(told[0] ?? '', /record at 2 was skipped/)
  })

  test('a lost lease starts nothing more, aborts the signal, and makes failures a log line', async (t) => {
    const work = await working(t, { concurrency: 2 }, { policy: everyRecords(1) })
    work.deliver(['a', 'b', 'c', 'd'])
    await work.running()
    assert.equal(work.signal()?.aborted, false)
    work.finish('1')
    work.wire.answer(await work.wire.said(), 'ShutdownException')
    await settle()
    assert.equal(work.signal()?.aborted, true)
    work.fail('2', new Error('too late'))
    work.finish('3')
    assert.deepEqual(await work.running(), [])
    assert.deepEqual(await work.wire.said(), status('processRecords'))
    work.wire.say({ action: 'leaseLost' })
    assert.deepEqual(await work.wire.said(), status('leaseLost'))
    work.wire.end()
    assert.equal(await work.outcome(), undefined)
  })

  test('records of the next batch of one’s own size start while the last of this one are at work', async (t) => {
    const work = await working(t, { concurrency: 4, maxRecords: 4 }, { policy: manual() })
    work.deliver(['slow', 'b', 'c', 'd'])
    assert.deepEqual(await work.running(), ['1', '2', '3', '4'])
    for (const number of ['2', '3', '4']) work.finish(number)
    assert.deepEqual(await work.wire.said(), status('processRecords'))
    work.deliver(['e', 'f', 'g', 'h'], 5)
    assert.deepEqual(await work.running(), ['1', '5', '6', '7'], 'never more than maxRecords unfinished')
    work.finish('5')
    assert.deepEqual(await work.running(), ['1', '6', '7', '8'])
  })

  test('and one’s own size, a record of the next batch waits for those of its key in this one', async (t) => {
    const work = await working(t, { concurrency: 4, maxRecords: 3 }, { policy: manual() })
    work.deliver(['slow', 'b', 'c'])
    await work.running()
    for (const number of ['2', '3']) work.finish(number)
    assert.deepEqual(await work.wire.said(), status('processRecords'))
    work.deliver(['slow', 'b'], 4)
    assert.deepEqual(await work.running(), ['1', '5'])
    work.finish('1')
    assert.deepEqual(await work.running(), ['4', '5'])
  })

  test('and a skip of the rest, nothing more of the batch starts', async (t) => {
    const work = await working(t, { concurrency: 2 }, { policy: manual() })
    work.deliver(['a', 'b', 'c', 'd'])
    assert.deepEqual(await work.running(), ['1', '2'])
    work.batch()?.skipRest()
    work.finish('1')
    assert.deepEqual(await work.running(), ['2'])
    work.finish('2')
    assert.deepEqual(await work.wire.said(), status('processRecords'))
  })

  test('and one’s own size, a shutdown waits for all that is at work', async (t) => {
    const work = await working(t, { concurrency: 4, maxRecords: 4 })
    work.deliver(['slow', 'b', 'c', 'd'])
    await work.running()
    for (const number of ['2', '3', '4']) work.finish(number)
    assert.deepEqual(await work.wire.said(), status('processRecords'))
    work.wire.say({ action: 'shutdownRequested' })
    assert.deepEqual(await work.wire.heard(), [])
    work.finish('1')
    assert.deepEqual(await work.wire.said(), checkpoint(4))
    work.wire.answer(checkpoint(4))
    assert.deepEqual(await work.wire.said(), status('shutdownRequested'))
    work.wire.end()
    assert.equal(await work.outcome(), undefined)
  })

  test('and one’s own size, a stop leaves what several batches have left over to the next attempt', async (t) => {
    const work = await working(t, { concurrency: 3, maxRecords: 3 }, { policy: manual() })
    work.deliver(['slow', 'b', 'c'])
    await work.running()
    for (const number of ['2', '3']) work.finish(number)
    assert.deepEqual(await work.wire.said(), status('processRecords'))
    work.deliver(['d', 'e'], 4)
    assert.deepEqual(await work.running(), ['1', '4', '5'])
    work.finish('5')
    work.fail('4', new Error('poison'))
    work.finish('1')
    assert.match(String(await work.outcome()), /poison \(at record 4\)/)
    const again = await work.again()
    assert.deepEqual(await again.running(), ['4'])
  })

  test('the interval goes by when a record was finished, not by when the watermark passed it', async (t) => {
    const work = await working(t, { concurrency: 2 }, { policy: everyInterval({ seconds: 10 }) })
    work.deliver(['slow', 'b', 'c'])
    await work.running()
    work.finish('2')
    await work.running()
    work.wire.clock.advance(9000)
    work.finish('1')
    assert.deepEqual(await work.wire.heard(), [])
    work.wire.clock.advance(1000)
    work.finish('3')
    assert.deepEqual(await work.wire.said(), checkpoint(3))
  })

  test('the warning of a body without progress counts handlers, and names the oldest', async (t) => {
    const told: string[] = []
    const ignore = () => {}
    const logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (text: string) => void told.push(text),
    }
    const work = await working(t, { concurrency: 3 }, { logger })
    work.deliver(['a', 'b', 'c', 'd', 'a'])
    await work.running()
    work.finish('2')
    await work.running()
    work.wire.clock.advance(60_000)
    assert.equal(
      told[0],
      'No progress for 60 s: 1 of 5 records of the batch are finished, the next is at 1. 3 handlers run, the oldest of them on the record at 1. The shard waits for it, and its lease is renewed meanwhile.',
    )
  })

  test('handlers that never wait let the event loop turn', async (t) => {
    const wire = new Wire(t)
    let turned = false
    let seen = 0
    const done = wire.session.forEach(
      () => {
        seen += 1
        const until = performance.now() + 2
        while (performance.now() < until);
        if (seen === 1) setImmediate(() => (turned = true))
      },
      { concurrency: 8 },
    )
    wire.initialize()
    await wire.said()
    wire.deliver(records(64))
    while (!turned) await new Promise(setImmediate)
    assert.ok(seen < 64, 'the event loop turned before the last of them')
    wire.end()
    await assert.rejects(done)
  })
})

describe('handlers that do not wait', () => {
  for (const concurrency of [1, 8]) {
    const side = concurrency === 1 ? 'one by one' : 'side by side'

    test(`${side}: are given the record, its batch and the context, and nothing else`, async (t) => {
      const seen: unknown[][] = []
      const { wire, done } = await handling(t, concurrency, (...args: unknown[]) => void seen.push(args))
      wire.deliver(records(2))
      assert.deepEqual(await wire.said(), status('processRecords'))
      wire.end()
      await done
      assert.deepEqual(
        seen.map((args) => args.length),
        [3, 3],
      )
    })

    test(`${side}: no other starts once the lease is lost`, async (t) => {
      let seen = 0
      const handler = (): void => {
        seen += 1
        const until = performance.now() + 2
        while (performance.now() < until);
      }
      const { wire, done } = await handling(t, concurrency, handler, { policy: everyRecords(1) })
      wire.deliver(records(64))
      wire.answer(await wire.said(), 'ShutdownException')
      assert.deepEqual(await wire.said(), status('processRecords'))
      wire.end()
      await done
      assert.ok(seen < 64, `${seen} were started`)
    })

    test(`${side}: no other starts once the session has failed`, async (t) => {
      const seen: string[] = []
      const policy = {
        shouldCheckpoint: ({ records }: { records: number }) => {
          if (records === 2) throw new Error('odd policy')
          return false
        },
      }
      const { wire, done } = await handling(t, concurrency, (one) => seen.push(one.sequenceNumber), {
        policy,
      })
      const rejected = assert.rejects(done, /odd policy/)
      wire.deliver(records(4))
      await rejected
      assert.deepEqual(seen, ['1', '2'])
    })

    test(`${side}: a skip of the rest is heeded at once`, async (t) => {
      const seen: string[] = []
      const handler = (one: KinesisRecord, batch: RecordBatch): void => {
        seen.push(one.sequenceNumber)
        if (one.sequenceNumber === '2') batch.skipRest()
      }
      const { wire, done } = await handling(t, concurrency, handler)
      wire.deliver(records(4))
      assert.deepEqual(await wire.said(), status('processRecords'))
      wire.end()
      await done
      assert.deepEqual(seen, ['1', '2'])
    })

    test(`${side}: a failure keeps its key back until its next try, beside others that wait`, async (t) => {
      const seen: string[] = []
      const handler = (one: KinesisRecord): unknown => {
        seen.push(one.sequenceNumber)
        if (seen.length === 2) throw new Error('not now')
        return one.sequenceNumber === '3' ? Promise.resolve() : undefined
      }
      const retry = { attempts: 2, initialDelay: { seconds: 1 }, maxDelay: { seconds: 1 } }
      const { wire, done } = await handling(t, concurrency, handler, {}, { retry })
      wire.deliver(['a', 'b', 'c', 'b', 'a'].map((key, at) => ({ ...record(at + 1), partitionKey: key })))
      await settle()
      assert.deepEqual(seen, concurrency === 1 ? ['1', '2'] : ['1', '2', '3', '5'])
      wire.clock.advance(1000)
      assert.deepEqual(await wire.said(), status('processRecords'))
      wire.end()
      await done
      assert.deepEqual(seen.slice(-2), concurrency === 1 ? ['4', '5'] : ['2', '4'])
      assert.equal(wire.session.stats.records, 5)
    })

    test(`${side}: a thenable is waited for, whatever its kind`, async (t) => {
      const failing = (): void => {
        throw new Error('no promise')
      }
      const resolving = (resolve: (value: boolean) => void): void => resolve(true)
      const thenables = [resolving, failing].map((then) => Object.defineProperty({}, 'then', { value: then }))
      const handler = (): unknown => thenables.shift()
      const { wire, done } = await handling(t, concurrency, handler, { policy: manual() })
      const rejected = assert.rejects(done, /no promise/)
      wire.deliver(records(3))
      assert.deepEqual(await wire.said(), checkpoint(1))
      await rejected
    })
  }

  test('what an earlier attempt has finished with a gap before it does not run again', async (t) => {
    const work = await working(t, { concurrency: 3 }, { policy: manual() })
    work.deliver(['a', 'b', 'c'])
    await work.running()
    work.finish('2')
    work.finish('3')
    work.fail('1', new Error('odd'))
    await work.outcome()
    const seen: string[] = []
    const done = work.wire.session.forEach((one) => seen.push(one.sequenceNumber))
    assert.deepEqual(await work.wire.said(), status('processRecords'))
    work.wire.end()
    await done
    assert.deepEqual(seen, ['1'])
  })

  test('leave nothing of their batch behind when it is done', async (t) => {
    const refs: WeakRef<KinesisRecord>[] = []
    const { wire, done } = await handling(t, 8, (one) => {
      refs.push(new WeakRef(one))
      return refs.length === 2 ? Promise.resolve() : undefined
    })
    wire.deliver(records(4))
    assert.deepEqual(await wire.said(), status('processRecords'))
    await settle()
    setFlagsFromString('--expose-gc')
    runInNewContext('gc')()
    assert.deepEqual(
      refs.map((ref) => ref.deref()),
      [undefined, undefined, undefined, undefined],
    )
    wire.end()
    await done
  })
})

test('batch.forEach does for one batch what session.forEach does for all', async (t) => {
  const wire = new Wire(t, { policy: manual() })
  const loop = wire.session.batches()
  const first = loop.next()
  wire.initialize()
  await wire.said()
  wire.deliver(records(3))
  const { value: batch } = (await first) as { value: RecordBatch }
  const seen: string[] = []
  await batch.forEach((one) => seen.push(one.sequenceNumber), { concurrency: 2 })
  assert.deepEqual(seen, ['1', '2', '3'])
  const next = loop.next()
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.deliver(records(2, 4))
  const { value: second } = (await next) as { value: RecordBatch }
  await assert.rejects(
    second.forEach(() => Promise.reject(new Error('odd'))),
    /odd/,
  )
  await assert.rejects(
    loop.next(),
    (error: unknown) => error instanceof UsageError && /left early/.test(error.message),
  )
})

test('takes a concurrency that is a whole number, and an ordering that it knows', async (t) => {
  const { session } = new Wire(t)
  for (const [options, names] of [
    [{ concurrency: 0 }, /concurrency is a whole number from 1, not 0/],
    [{ concurrency: Number.POSITIVE_INFINITY }, /concurrency/],
    [{ ordering: 'key' }, /ordering is 'partitionKey', 'none' or a function/],
  ] as const) {
    await assert.rejects(
      session.forEach(() => {}, options as SessionForEachOptions),
      (error: unknown) => error instanceof UsageError && names.test(error.message),
    )
  }
})

/** A session that is given a handler. */
async function handling(
  t: TestContext,
  concurrency: number,
  handler: RecordHandler,
  session: KclSessionOptions = {},
  options: SessionForEachOptions = {},
) {
  const wire = new Wire(t, session)
  const done = wire.session.forEach(handler, { concurrency, ...options })
  wire.initialize()
  assert.deepEqual(await wire.said(), status('initialize'))
  return { wire, done }
}

/** A session whose handlers end when the spec says so. */
async function working(t: TestContext, options: SessionForEachOptions, session: KclSessionOptions = {}) {
  const wire = new Wire(t, { checkpointRetry: { attempts: 1 }, ...session })
  const work = new Working(wire, options)
  wire.say({ action: 'initialize', shardId: SHARD, sequenceNumber: 'TRIM_HORIZON' })
  assert.deepEqual(await wire.said(), status('initialize'))
  return work
}

class Working {
  readonly wire: Wire
  readonly #options: SessionForEachOptions
  readonly #open = new Map<string, { resolve(value: unknown): void; reject(error: unknown): void }>()
  readonly #done: Promise<unknown>
  #context: HandlerContext | null = null
  #batch: RecordBatch | null = null

  constructor(wire: Wire, options: SessionForEachOptions) {
    this.wire = wire
    this.#options = options
    const handler = (one: KinesisRecord, batch: RecordBatch, context: HandlerContext): Promise<unknown> => {
      this.#batch = batch
      this.#context = context
      return new Promise((resolve, reject) => this.#open.set(one.sequenceNumber, { resolve, reject }))
    }
    this.#done = wire.session.forEach(handler, options).catch((error: unknown) => error)
  }

  deliver(keys: readonly string[], from = 1): void {
    this.wire.deliver(keys.map((key, index): WireRecord => ({ ...record(from + index), partitionKey: key })))
  }

  /** The records that handlers are at work on, once everything has happened that can. */
  async running(): Promise<string[]> {
    await settle()
    return [...this.#open.keys()].sort((a, b) => Number(a) - Number(b))
  }

  finish(number: string, value?: unknown): void {
    this.#take(number).resolve(value)
  }

  fail(number: string, error: unknown): void {
    this.#take(number).reject(error)
  }

  signal(): AbortSignal | undefined {
    return this.#context?.signal
  }

  batch(): RecordBatch | null {
    return this.#batch
  }

  outcome(): Promise<unknown> {
    return this.#done
  }

  async settled(): Promise<boolean> {
    const open = {}
    await settle()
    return (await Promise.race([this.#done, open])) !== open
  }

  async again(): Promise<Working> {
    return new Working(this.wire, this.#options)
  }

  #take(number: string) {
    const open = this.#open.get(number)
    assert.ok(open, `no handler is at work on ${number}`)
    this.#open.delete(number)
    return open
  }
}
