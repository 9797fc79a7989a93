import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordClock } from '../../lib/session/record-clock.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { type Clock, systemClock } from '../../lib/time.ts'

test('a clock of tests is read each time', () => {
  const manual = new ManualClock()
  const clock = new RecordClock(manual)
  for (let round = 0; round < 50; round += 1) {
    times(round, () => clock.now())
    manual.advance(1)
    assert.equal(clock.now(), manual.now())
  }
})

test('records that come quickly share a reading, those that come slowly have each their own', (t) => {
  const { mock } = t.mock.method(systemClock as { now: Clock['now'] }, 'now')
  const clock = new RecordClock(systemClock)
  times(1600, () => clock.now())
  assert.ok(mock.callCount() < 200, `${mock.callCount()} readings`)
  times(16, () => clock.now())
  const before = mock.callCount()
  times(40, () => {
    busy(1)
    clock.now()
  })
  assert.ok(mock.callCount() - before > 20, `${mock.callCount() - before} readings`)
})

test('whatever has waited finds the time as it is', async () => {
  const clock = new RecordClock(systemClock)
  for (let round = 0; round < 20; round += 1) {
    times(16 + round, () => clock.now())
    // Not setTimeout: one that is late comes in the same turn.
    await new Promise((resolve) => setImmediate(resolve))
    const before = systemClock.now()
    assert.ok(clock.now() >= before)
  }
})

function times(count: number, body: () => void): void {
  for (let index = 0; index < count; index += 1) body()
}

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}
