import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../helpers/command.ts'
import { STYLES, soak } from './soak-run.ts'

for (const [index, style] of STYLES.entries()) {
  test(`loses nothing, keeps the order of keys, and repeats nothing after a checkpoint, under faults of every kind (${style})`, async (t) => {
    const folder = temporaryFolder(t)
    const result = await soak({ folder, seed: 45 + index, style, records: 3000, shards: 2, batch: 40 })
    assert.deepEqual(result.findings, [])
    assert.equal(result.succeeded, true, result.log)
    assert.deepEqual([result.missed, result.outOfOrder], [0, 0])
    const { records, checkpointed, lost, outOfOrder, afterCheckpoint } = result.account
    assert.deepEqual(
      { records, checkpointed, lost, outOfOrder, afterCheckpoint },
      { records: 3000, checkpointed: 3000, lost: 0, outOfOrder: 0, afterCheckpoint: 0 },
    )
    assert.ok(result.consumers > 4)
  })
}
