// What fakes the timers of a test does not fake ours.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../lib/time.ts'
import { setImmediate, setTimeout } from '../lib/timers.ts'

test('a consumer and its daemon do not hang under fake timers: ours go on', {
  timeout: 60_000,
}, async (t) => {
  fake(t)
  const before = systemClock.now()
  await new Promise((resolve) => setTimeout(resolve, 1))
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise<void>((resolve) => systemClock.after(1, resolve))
  assert.ok(systemClock.now() > before)
})

// All that the test runners' fakes take the place of.
function fake(t: TestContext): void {
  t.mock.timers.enable()
  t.mock.method(performance, 'now', () => 0)
  t.mock.method(process, 'hrtime', () => [0, 0])
}
