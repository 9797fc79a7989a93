import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { summaryOf, tableLines } from '../../lib/cli/live-table.ts'
import { newsOfState } from '../../lib/cli/observation.ts'
import { TestWorker } from '../helpers/worker.ts'

test('shows the shard to look at first on top, its state in words, and the totals below', () => {
  const run = new TestWorker()
  run.report('shardId-1', { action: null, lagMs: 0, storedMs: 4000, counts: { checkpoints: 2 } }, 1)
  run.report(
    'shardId-0',
    {
      action: 'processRecords',
      actionMs: 620_000,
      progressMs: 620_000,
      lagMs: 700_000,
      batch: { size: 1000, finished: 412, attempt: 1 },
      unstored: 88,
    },
    2,
  )
  run.report('shardId-2', {}, 3)
  run.leave('shardId-2', 3)
  assert.deepEqual(tableLines(run.worker.view(), 24, 'http://127.0.0.1:8080/'), [
    '',
    {
      style: 'faint',
      text: 'shard      state            lag  records/s                    in hand     stored  not stored',
    },
    {
      style: 'bad',
      text: 'shardId-0  stuck    11 min 40 s          0  412 of 1,000, 10 min 20 s          -          88',
    },
    'shardId-1  waiting         0 ms          0                          -  4.0 s ago           0',
    '2 shards, 0 records/s, worst lag 11 min 40 s (shardId-0), 2 checkpoints, shardId-0 is stuck · http://127.0.0.1:8080/',
  ])
})

test('shows as many shards as there is room for, and tells of the others', () => {
  const run = new TestWorker()
  for (let shard = 0; shard < 9; shard += 1) run.report(`shardId-${shard}`, {}, shard + 1)
  const lines = tableLines(run.worker.view(), 9, null)
  assert.equal(lines.length, 7)
  assert.equal(lines.at(-2), '… and 6 more, all well')
})

test('a worker without a shard has one line', () => {
  assert.deepEqual(tableLines(new TestWorker().worker.view(), 24, null), [
    '',
    '0 shards, 0 records/s, 0 checkpoints',
  ])
})

test('one line for all', () => {
  const run = new TestWorker()
  run.report('shardId-0', { lagMs: 12_000, counts: { checkpoints: 3 } })
  assert.equal(
    summaryOf(run.worker.view()),
    '1 shard, 0 records/s, worst lag 12.0 s (shardId-0), 3 checkpoints',
  )
})

describe('a change of state', () => {
  test('is told where it needs somebody, and when that is over', () => {
    const run = new TestWorker()
    run.report('a', {
      action: 'processRecords',
      progressMs: 70_000,
      batch: { size: 9, finished: 3, attempt: 1 },
    })
    assert.deepEqual(newsOfState(run.shard('a'), 'working'), {
      importance: 'warn',
      text: 'a is slow: no progress for 70 s, 3 of 9 records of the batch are finished.',
    })
    run.report('a', {
      action: 'processRecords',
      progressMs: 12_000,
      batch: { size: 9, finished: 9, attempt: 1 },
    })
    assert.match(
      newsOfState(run.shard('a'), 'working')?.text ?? '',
      /9 of 9 records .* finished\. Its checkpoint waits: DynamoDB does not answer/,
    )
    run.report('a', { action: 'processRecords' })
    assert.deepEqual(newsOfState(run.shard('a'), 'slow'), {
      importance: 'info',
      text: 'a is working again, after it was slow',
    })
  })

  test('is nothing to tell of where all is well', () => {
    const run = new TestWorker()
    run.report('a')
    assert.equal(newsOfState(run.shard('a'), 'working'), null)
    assert.equal(newsOfState(run.shard('a'), null), null)
  })
})
