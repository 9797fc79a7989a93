import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TestWorker } from '../helpers/worker.ts'

test('tells each change of state once, the one to look at first comes first', () => {
  const run = new TestWorker()
  run.worker.announced('a', 1)
  run.report('a', { action: 'processRecords', lagMs: 100 }, 1)
  run.report('b', { action: null, lagMs: 0 }, 2)
  run.report('a', { action: 'processRecords', lagMs: 100, progressMs: 70_000 }, 1)
  assert.deepEqual(run.told, [
    'a: new → starting',
    'a: starting → working',
    'b: new → waiting',
    'a: working → slow',
  ])
  assert.deepEqual(
    run.worker.view().shards.map(({ shard, state }) => `${shard} ${state}`),
    ['a slow', 'b waiting'],
  )
})

test('notices a shard that says nothing any more, then that it is stuck, and says so to probes', () => {
  const run = new TestWorker(60_000)
  run.report('a', { action: 'processRecords', progressMs: 1000 })
  run.pass(5)
  assert.equal(run.shard('a').state, 'silent')
  assert.deepEqual(run.worker.view().live, [])
  run.pass(54)
  assert.deepEqual(run.worker.view().live, ['a: no progress for 60 s (--stuck-after)'])
  assert.deepEqual(
    run.worker.stuck.map(({ shard }) => shard),
    ['a'],
  )
})

test('a consumer that never reports is judged by its process alone', () => {
  const run = new TestWorker()
  run.worker.announced('a', 7)
  run.pass(10)
  assert.equal(run.shard('a').state, 'unreported')
  run.worker.ended(7)
  assert.deepEqual(run.told.at(-1), 'a: unreported → gone')
})

test('one that is known to be ours is only late, and never taken for another library', () => {
  const run = new TestWorker()
  run.worker.announced('a', 7, true)
  run.pass(60)
  assert.equal(run.shard('a').state, 'starting')
  run.report('a', {}, 7)
  assert.equal(run.shard('a').state, 'waiting')
})

test('the last word of a consumer does not end the one that has taken its shard up', () => {
  const run = new TestWorker()
  run.report('a', {}, 1)
  run.report('a', {}, 2)
  run.leave('a', 1)
  assert.equal(run.shard('a').state, 'waiting')
  run.leave('a', 2)
  assert.equal(run.shard('a').state, 'gone')
  run.report('a', {}, 2)
  assert.equal(run.shard('a').state, 'waiting')
})

describe('counters', () => {
  test('go on where the consumer before left off', () => {
    const run = new TestWorker()
    run.report('a', { counts: { records: 10, refusals: { X: 1 } } }, 1)
    run.report('a', { counts: { records: 12, refusals: { X: 2 } } }, 1)
    run.leave('a', 1)
    run.worker.announced('a', 2)
    assert.equal(run.shard('a').records, 12)
    run.report('a', { counts: { records: 3, refusals: { X: 1, Y: 1 } } }, 2)
    assert.equal(run.shard('a').records, 15)
    assert.deepEqual(run.shard('a').refusals, { X: 3, Y: 1 })
  })

  test('go on when one process takes a shard up again', () => {
    const run = new TestWorker()
    run.report('a', { counts: { records: 10 } }, 1, 0)
    run.leave('a', 1, 0)
    run.report('a', { counts: { records: 1 } }, 1, 5)
    assert.equal(run.shard('a').records, 11)
  })

  test('do not count twice what a consumer says again after its connection was lost', () => {
    const run = new TestWorker()
    run.report('a', { counts: { records: 10 } }, 1)
    run.leave('a', 1)
    run.report('a', { counts: { records: 10 } }, 1)
    assert.equal(run.shard('a').records, 10)
  })

  test('are forgotten five minutes after the shard left, and stay in those of the worker', () => {
    const run = new TestWorker()
    run.report('a', { counts: { records: 10, skipped: 2 } })
    run.leave('a')
    run.pass(299)
    assert.equal(run.worker.view().shards.length, 1)
    run.pass(1)
    assert.deepEqual(run.worker.view().shards, [])
    run.report('b', { counts: { records: 1, skipped: 1 } })
    assert.equal(run.worker.view().totals.counts.skipped, 3)
  })
})

test('the rate is that of the last second, and nothing for a shard that is gone', () => {
  const run = new TestWorker()
  run.report('a', { counts: { records: 0 } })
  run.pass(1)
  run.report('a', { counts: { records: 40 } })
  run.pass(1)
  assert.equal(run.shard('a').recordsPerSecond, 40)
  run.pass(1)
  assert.equal(run.shard('a').recordsPerSecond, 0)
})

test('a shard far behind for five minutes is falling behind', () => {
  const run = new TestWorker()
  for (let minute = 0; minute < 32; minute += 1) {
    run.report('a', { action: 'processRecords', lagMs: 40_000 + minute })
    run.pass(10)
    assert.equal(run.shard('a').fallingBehind, minute >= 30)
  }
})

test('the lag and the ages go on between two snapshots', () => {
  const run = new TestWorker()
  run.report('a', {
    action: 'processRecords',
    actionMs: 500,
    lagMs: 1000,
    storedMs: 100,
    checkpointLagMs: 2000,
  })
  run.clock.advance(2000)
  const { lag, actionAge, storedAge, checkpointLag, readAge } = run.shard('a')
  assert.deepEqual([lag, actionAge, storedAge, checkpointLag, readAge], [3, 2.5, 2.1, 4, 2])
})

describe('a worker is ready', () => {
  test('from the daemon on being at work, shards or not, until it is stopped', () => {
    const run = new TestWorker()
    assert.deepEqual(run.worker.view().ready, ['the daemon has not begun to work'])
    run.worker.began()
    assert.deepEqual(run.worker.view().ready, [])
    run.worker.phase = 'draining'
    run.worker.began()
    assert.deepEqual(run.worker.view().ready, ['the worker is stopping'])
  })

  test('not while the daemon waits to be started again, and again with its first consumer', () => {
    const run = new TestWorker()
    run.worker.phase = 'restarting'
    assert.deepEqual(run.worker.view().ready, ['the daemon waits to be started again'])
    run.worker.announced('a', 1)
    assert.deepEqual(run.worker.view().ready, [])
  })
})

test('a daemon that has said nothing for five minutes is not live, while it should be at work', () => {
  const run = new TestWorker()
  run.worker.daemonSpoke()
  run.worker.began()
  run.worker.daemonSpoke()
  run.clock.advance(299_999)
  assert.deepEqual(run.worker.view().live, [])
  run.clock.advance(1)
  assert.deepEqual(run.worker.view().live, ['the daemon has said nothing for 300 s'])
  run.worker.phase = 'restarting'
  assert.deepEqual(run.worker.view().live, [])
})

test('keeps the last twenty lines of a shard, and its last error', () => {
  const run = new TestWorker()
  run.report('a', { lastError: 'ThrottlingException' })
  for (let line = 1; line <= 25; line += 1) run.worker.heard('a', `line ${line}`)
  run.worker.heard('a', ' ')
  run.clock.advance(3000)
  run.report('a', { lastError: 'ThrottlingException' })
  assert.deepEqual([run.shard('a').log.length, run.shard('a').log[0]], [20, 'line 6'])
  assert.deepEqual(run.worker.view().lastError, { shard: 'a', text: 'ThrottlingException', age: 3 })
})
