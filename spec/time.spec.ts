import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { Temporal } from '@js-temporal/polyfill'
import { UsageError } from '../lib/errors.ts'
import { type DurationInput, instant, systemClock, toMilliseconds } from '../lib/time.ts'

describe('a duration', () => {
  const good: [DurationInput, number][] = [
    [{ milliseconds: 1 }, 1],
    [{ seconds: 60 }, 60_000],
    [{ minutes: 1, seconds: 30, milliseconds: 5 }, 90_005],
    [{ hours: 1 }, 3_600_000],
    [{ days: 2 }, 172_800_000],
    [{ microseconds: 1500 }, 1.5],
    [{ seconds: undefined, milliseconds: 7 }, 7],
    ['PT1M', 60_000],
    ['PT0.5S', 500],
    ['P1DT1H', 90_000_000],
    [Temporal.Duration.from('PT90S'), 90_000],
    [Temporal.Duration.from({ milliseconds: 250 }), 250],
  ]
  for (const [input, milliseconds] of good) {
    test(`${JSON.stringify(input)} is ${milliseconds} ms`, () => {
      assert.equal(toMilliseconds(input, 'x'), milliseconds)
    })
  }

  // A native Temporal.Duration, where the runtime has one, has its units on the prototype.
  test('may be any object that has the units as getters', () => {
    class Duration {
      readonly years = 0
      get minutes(): number {
        return 2
      }
    }
    assert.equal(toMilliseconds(new Duration(), 'x'), 120_000)
  })

  const bad: unknown[] = [
    'soon',
    '',
    'PT0S',
    '-PT1S',
    'P1Y',
    'P1M',
    'P1W',
    {},
    { seconds: 0 },
    { seconds: -1 },
    { seconds: 1.5 },
    { seconds: '1' },
    { seconds: Number.NaN },
    { seconds: Number.POSITIVE_INFINITY },
    { months: 1 },
    { weeks: 1, seconds: 5 },
    { sec: 1 },
    { second: 1, minutes: 1 },
    [1],
    60_000,
    1n,
    true,
    null,
    undefined,
    () => {},
  ]
  for (const input of bad) {
    const name = typeof input === 'bigint' ? '1n' : (JSON.stringify(input) ?? String(input))
    test(`${name} is a UsageError that names the caller`, () => {
      assert.throws(
        () => toMilliseconds(input as DurationInput, 'everyInterval'),
        (error: Error) => error instanceof UsageError && error.message.startsWith('everyInterval: '),
      )
    })
  }
})

test('a moment is a Temporal.Instant', () => {
  assert.equal(instant(1_700_000_000_000).toString(), '2023-11-14T22:13:20Z')
})

test("the machine's clock is monotonic, runs a task once, and not when it was cancelled", async () => {
  const before = systemClock.now()
  const ran: string[] = []
  await new Promise<void>((resolve) => {
    const cancel = systemClock.after(1, () => ran.push('cancelled'))
    systemClock.after(2, () => ran.push('after'))
    cancel()
    systemClock.after(20, resolve)
  })
  assert.deepEqual(ran, ['after'])
  assert.ok(systemClock.now() > before)
})

test('a delay longer than a timer can hold does not fire at once', async () => {
  let fired = false
  const cancel = systemClock.after(2 ** 40, () => {
    fired = true
  })
  await new Promise<void>((resolve) => systemClock.after(5, resolve))
  cancel()
  assert.equal(fired, false)
})

test('the Temporal polyfill is not loaded before it is needed', () => {
  const library = new URL('../lib/index.js', import.meta.url)
  const program = `
    const { createRequire } = await import('node:module')
    const { everyInterval } = await import(${JSON.stringify(library.href)})
    everyInterval({ minutes: 1 })
    const cache = Object.keys(createRequire(${JSON.stringify(library.href)}).cache)
    console.log(JSON.stringify(cache.filter((file) => /temporal|tslog|jsbi/.test(file))))`
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
  assert.equal(printed.trim(), '[]')
})
