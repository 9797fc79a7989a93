import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Temporal } from '@js-temporal/polyfill'
import {
  allOf,
  anyOf,
  askPolicy,
  type CheckpointPolicy,
  type CheckpointProgress,
  everyBatch,
  everyBytes,
  everyInterval,
  everyRecords,
  manual,
} from '../../lib/checkpoint/policy.ts'
import { UsageError } from '../../lib/errors.ts'
import type { DurationInput } from '../../lib/time.ts'

describe('built-in policies fire at their threshold, not before', () => {
  test('everyRecords', () => {
    const policy = everyRecords(3)
    assert.deepEqual(
      [1, 2, 3, 4].map((records) => asks(policy, { records })),
      [false, false, true, true],
    )
    assert.equal(asks(everyRecords(1), { records: 1 }), true)
  })

  test('everyBytes', () => {
    const policy = everyBytes(1000)
    assert.deepEqual(
      [999, 1000, 5000].map((bytes) => asks(policy, { bytes })),
      [false, true, true],
    )
  })

  test('everyInterval, by units, text and Temporal.Duration', () => {
    const minutes: DurationInput[] = [
      { minutes: 1 },
      'PT1M',
      'PT60S',
      Temporal.Duration.from({ minutes: 1 }),
      { seconds: 60 },
    ]
    for (const minute of minutes) {
      const policy = everyInterval(minute)
      assert.deepEqual(
        [59_999.9, 60_000].map((elapsed) => asks(policy, { elapsed })),
        [false, true],
      )
    }
  })

  test('everyBatch, after a batch and on an idle shard', () => {
    const policy = everyBatch()
    const steps = ['record', 'batch', 'idle'] as const
    assert.deepEqual(
      steps.map((after) => asks(policy, { after })),
      [false, true, true],
    )
  })

  test('manual never, and not at shutdown either', () => {
    const most = { records: 1e9, bytes: 1e12, elapsed: 1e12, after: 'batch' } as const
    assert.equal(asks(manual(), most), false)
    assert.equal(manual().atShutdown, false)
  })

  test('everyBatch and manual are asked per batch only', () => {
    for (const policy of [everyBatch(), manual(), allOf(everyBatch(), manual())]) {
      assert.equal(policy.perRecord, false)
    }
    for (const policy of [
      everyRecords(1),
      everyBytes(1),
      everyInterval('PT1S'),
      anyOf(manual(), everyRecords(1)),
    ]) {
      assert.notEqual(policy.perRecord, false)
    }
  })

  test('a combination is quiet for as long as all of its parts are that are asked after a record', () => {
    const [second, minute] = [everyInterval('PT1S'), everyInterval('PT1M')]
    assert.equal(minute.quietFor, 60_000)
    for (const combine of [anyOf, allOf]) {
      assert.equal(combine(second, minute).quietFor, 1000)
      assert.equal(combine(minute, everyBatch()).quietFor, 60_000)
      assert.equal(combine(minute, everyRecords(1)).quietFor, 0)
    }
  })

  test('all others store at shutdown', () => {
    for (const policy of [everyRecords(1), everyBytes(1), everyInterval('PT1S'), everyBatch()]) {
      assert.notEqual(policy.atShutdown, false)
    }
  })
})

describe('combinations', () => {
  const either = anyOf(everyRecords(10), everyBytes(100))
  const both = allOf(everyRecords(10), everyBytes(100))
  const cases: [records: number, bytes: number, any: boolean, all: boolean][] = [
    [9, 99, false, false],
    [10, 99, true, false],
    [9, 100, true, false],
    [10, 100, true, true],
  ]
  for (const [records, bytes, any, all] of cases) {
    test(`with ${records} records of ${bytes} bytes, anyOf says ${any} and allOf says ${all}`, () => {
      assert.equal(asks(either, { records, bytes }), any)
      assert.equal(asks(both, { records, bytes }), all)
    })
  }

  test('anyOf stores at shutdown if any part does, allOf if all do', () => {
    assert.equal(anyOf(manual(), everyRecords(1)).atShutdown, true)
    assert.equal(anyOf(manual(), manual()).atShutdown, false)
    assert.equal(allOf(manual(), everyRecords(1)).atShutdown, false)
    assert.equal(allOf(everyBatch(), everyRecords(1)).atShutdown, true)
  })

  test('every part is asked each time, so that one which counts for itself misses nothing', () => {
    const asked: string[] = []
    const part = (name: string, answer: boolean): CheckpointPolicy => ({
      shouldCheckpoint: () => asked.push(name) > 0 && answer,
    })
    asks(anyOf(part('a', true), part('b', false)), {})
    asks(allOf(part('c', false), part('d', true)), {})
    assert.deepEqual(asked, ['a', 'b', 'c', 'd'])
  })

  test('a part that wants batches only is not asked after a record, which is a no', () => {
    const asked: string[] = []
    const part: CheckpointPolicy = {
      perRecord: false,
      shouldCheckpoint: ({ after }) => asked.push(after) > 0,
    }
    assert.deepEqual(
      [asks(anyOf(everyRecords(2), part), {}), asks(allOf(everyRecords(1), part), {})],
      [false, false],
    )
    assert.deepEqual(asked, [])
    assert.equal(asks(allOf(everyRecords(1), part), { after: 'batch' }), true)
    assert.deepEqual(asked, ['batch'])
  })

  test('they nest', () => {
    const policy = anyOf(allOf(everyRecords(2), everyBytes(2)), everyBatch())
    assert.equal(asks(policy, { records: 2, bytes: 1 }), false)
    assert.equal(asks(policy, { records: 2, bytes: 2 }), true)
    assert.equal(asks(policy, { after: 'batch' }), true)
  })

  test('a part keeps its this', () => {
    class Counting implements CheckpointPolicy {
      #asked = 0
      shouldCheckpoint(): boolean {
        this.#asked += 1
        return this.#asked > 1
      }
    }
    const policy = anyOf(new Counting())
    assert.deepEqual([asks(policy, {}), asks(policy, {})], [false, true])
  })
})

describe('anything but true is a no', () => {
  for (const answer of [1, 'yes', {}, [], undefined, null, 0]) {
    test(JSON.stringify(answer) ?? 'undefined', () => {
      const policy = { shouldCheckpoint: () => answer } as unknown as CheckpointPolicy
      assert.equal(asks(policy, {}), false)
      assert.equal(asks(anyOf(policy), {}), false)
      assert.equal(asks(allOf(policy), {}), false)
    })
  }
})

describe('an answer that is a promise is a UsageError', () => {
  const policies = {
    'that resolves': async () => true,
    'that rejects, and nobody hears of it': () => Promise.reject(new Error('late')),
    // biome-ignore lint/suspicious/noThenProperty: that is what it is about
    'of somebody else': () => ({ then: () => {} }),
  }
  for (const [title, shouldCheckpoint] of Object.entries(policies)) {
    test(title, () => {
      const policy = { shouldCheckpoint } as unknown as CheckpointPolicy
      for (const asked of [policy, anyOf(policy), allOf(everyBatch(), policy)]) {
        assert.throws(() => asks(asked, {}), isUsageError(/shouldCheckpoint\(\) answered with a promise/))
      }
    })
  }
})

test('what a policy throws is thrown on', () => {
  const mine = new RangeError('mine')
  const policy: CheckpointPolicy = {
    shouldCheckpoint() {
      throw mine
    },
  }
  assert.throws(() => asks(anyOf(everyBatch(), policy), {}), mine)
})

describe('wrong arguments are a UsageError at once, by the name of the function', () => {
  const wrong: [title: string, make: () => unknown, text: RegExp][] = [
    ['everyRecords(0)', () => everyRecords(0), /everyRecords takes a whole number from 1, not 0/],
    ['everyRecords(1.5)', () => everyRecords(1.5), /everyRecords.*1\.5/],
    ['everyRecords(NaN)', () => everyRecords(Number.NaN), /everyRecords.*NaN/],
    ["everyRecords('10')", () => everyRecords('10' as unknown as number), /everyRecords/],
    ['everyRecords()', () => everyRecords(undefined as unknown as number), /everyRecords.*undefined/],
    ['everyBytes(-1)', () => everyBytes(-1), /everyBytes.*-1/],
    ["everyInterval('soon')", () => everyInterval('soon' as 'P'), /everyInterval: "soon" is not a duration/],
    ['everyInterval(60)', () => everyInterval(60 as unknown as 'P'), /everyInterval: 60 is not a duration/],
    ['everyInterval({})', () => everyInterval({}), /everyInterval/],
    ["everyInterval('P1M')", () => everyInterval('P1M'), /everyInterval: months have no fixed length/],
    ['anyOf()', () => anyOf(), /anyOf takes one policy or more/],
    ['allOf()', () => allOf(), /allOf takes one policy or more/],
    ['anyOf(everyBatch)', () => anyOf(everyBatch as unknown as CheckpointPolicy), /anyOf takes a policy/],
    ['allOf(null)', () => allOf(null as unknown as CheckpointPolicy), /allOf takes a policy/],
  ]
  for (const [title, make, text] of wrong) {
    test(title, () => assert.throws(make, isUsageError(text)))
  }
})

function asks(policy: CheckpointPolicy, change: Partial<CheckpointProgress>): boolean {
  return askPolicy(policy, { ...PROGRESS, ...change })
}

function isUsageError(text: RegExp): (error: Error) => boolean {
  return (error) => error instanceof UsageError && text.test(error.message)
}

const PROGRESS: CheckpointProgress = {
  after: 'record',
  records: 1,
  bytes: 1,
  elapsed: 0,
  position: { sequenceNumber: '1', subSequenceNumber: 0 },
  endsAggregate: true,
  millisBehindLatest: 0,
}
