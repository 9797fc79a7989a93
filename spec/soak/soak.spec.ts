import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/command.ts'
import { soak } from './soak-run.ts'

test('loses nothing, keeps the order of keys, and repeats nothing after a checkpoint, under faults of every kind', async (t) => {
  const result = await soak({ folder: temporaryFolder(t), seed: 45, records: 4000, shards: 2, batch: 40 })
  assert.deepEqual(result.findings, [])
  assert.equal(result.succeeded, true)
  assert.deepEqual([result.missed, result.outOfOrder], [0, 0])
  const { records, checkpointed, lost, outOfOrder, afterCheckpoint } = result.account
  assert.deepEqual(
    { records, checkpointed, lost, outOfOrder, afterCheckpoint },
    { records: 4000, checkpointed: 4000, lost: 0, outOfOrder: 0, afterCheckpoint: 0 },
  )
  assert.ok(result.restarts > 0 && result.consumers > 4)
})
