import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '../../../lib/daemon/kinesis/pace.ts'

test('reads half as often as a shard may be read, and waits for what a read brought', () => {
  const pace = new Pace(0.5)
  assert.equal(pace.read(0, 0), 400)
  assert.equal(pace.read(10, 1000), 400)
  // 10 MiB at 1 MiB a second.
  assert.equal(pace.read(10, 10 * 1024 * 1024), 10_000)
  assert.equal(new Pace(1).read(1, 1), 200)
})

test('asks for as many records as one read may bring', () => {
  const pace = new Pace(0.5)
  assert.equal(pace.limit, 100)
  pace.read(100, 100 * 1024)
  assert.equal(pace.limit, Math.floor((0.4 * 1024 * 1024) / 1024))
  pace.read(10, 10)
  assert.equal(pace.limit, 10_000)
  pace.read(1, 9 * 1024 * 1024)
  assert.equal(pace.limit, 1)
})

test('waits ever longer while reads are refused, up to 10 s, and begins again after one that is not', () => {
  const pace = new Pace(0.5)
  assert.deepEqual(
    [0, 0, 0, 0, 0, 0, 0].map((dice) => pace.refused(dice)),
    [250, 500, 1000, 2000, 4000, 5000, 5000],
  )
  pace.read(0, 0)
  assert.equal(pace.refused(1), 500)
})
