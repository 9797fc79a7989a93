import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { retryDelay, retrySchedule } from '../../lib/checkpoint/retry.ts'
import { UsageError } from '../../lib/errors.ts'

test('checkpoints are tried 6 times, 1 s to 30 s apart, unless told otherwise', () => {
  const schedule = { attempts: 6, initialDelay: 1000, maxDelay: 30_000 }
  assert.deepEqual(retrySchedule(undefined, 'checkpointRetry'), schedule)
  assert.deepEqual(retrySchedule({}, 'checkpointRetry'), schedule)
})

test('the options take numbers of tries and durations', () => {
  const options = { attempts: 1, initialDelay: { milliseconds: 5 }, maxDelay: 'PT2S' } as const
  assert.deepEqual(retrySchedule(options, 'x'), { attempts: 1, initialDelay: 5, maxDelay: 2000 })
})

test('a longest delay below a second lowers the first one too, where that was not given', () => {
  const schedule = retrySchedule({ maxDelay: { milliseconds: 20 } }, 'x')
  assert.deepEqual(schedule, { attempts: 6, initialDelay: 20, maxDelay: 20 })
})

test('the number of tries has a default of its own where the caller gives one', () => {
  assert.equal(retrySchedule(undefined, 'x', 1).attempts, 1)
  assert.equal(retrySchedule({ attempts: 4 }, 'x', 1).attempts, 4)
})

describe('odd options are a UsageError that names them', () => {
  const odd: [options: unknown, text: RegExp][] = [
    [null, /checkpointRetry: give an object/],
    [3, /checkpointRetry: give an object/],
    [{ attempts: 0 }, /checkpointRetry\.attempts .* not 0/],
    [{ attempts: 1.5 }, /checkpointRetry\.attempts/],
    [{ attempts: '3' }, /checkpointRetry\.attempts/],
    [{ attempts: Number.POSITIVE_INFINITY }, /checkpointRetry\.attempts/],
    [{ retries: 3 }, /checkpointRetry: retries is not an option\. There are attempts,/],
    [{ initialDelay: 0 }, /checkpointRetry\.initialDelay/],
    [{ initialDelay: 'soon' }, /checkpointRetry\.initialDelay/],
    [{ maxDelay: { months: 1 } }, /checkpointRetry\.maxDelay: months/],
    [{ initialDelay: 'PT1M' }, /initialDelay of 60000 ms is above the maxDelay of 30000 ms/],
  ]
  for (const [options, text] of odd) {
    test(JSON.stringify(options), () => {
      assert.throws(
        () => retrySchedule(options as object, 'checkpointRetry'),
        (error: Error) => error instanceof UsageError && text.test(error.message),
      )
    })
  }
})

describe('the delay', () => {
  const schedule = { attempts: 9, initialDelay: 1000, maxDelay: 30_000 }

  test('doubles up to the longest', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 5000].map((failed) => retryDelay(schedule, failed, () => 1))
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  test('is any part of that, down to nothing, so that shards do not come back in step', () => {
    assert.equal(
      retryDelay(schedule, 3, () => 0),
      0,
    )
    assert.equal(
      retryDelay(schedule, 3, () => 0.25),
      1000,
    )
  })
})
