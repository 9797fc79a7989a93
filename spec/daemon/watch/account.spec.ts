import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Account } from '../../../lib/daemon/watch/account.ts'

test('counts deliveries, acknowledgements and checkpoints of each record', () => {
  const account = new Account({ watchKeys: true })
  for (const ordinal of [0, 1, 2, 1, 2, 2]) account.delivered(ordinal, 'k')
  for (const ordinal of [0, 1, 2]) account.acknowledged(ordinal)
  for (const ordinal of [0, 1]) account.checkpointed(ordinal)
  assert.deepEqual(account.totals(3, true), {
    records: 3,
    deliveredOnce: 1,
    deliveredAgain: 2,
    mostDeliveries: 3,
    acknowledged: 3,
    checkpointed: 2,
    lost: 0,
    outOfOrder: 0,
    afterCheckpoint: 0,
  })
})

test('sees a record that was passed over', () => {
  const account = new Account({ watchKeys: false })
  account.delivered(0, 'k')
  account.acknowledged(0)
  account.checkpointed(1)
  assert.equal(account.totals(2, true).lost, 1)
  assert.equal(account.totals(2, false).lost, 1)
})

test('calls nothing lost that is only to come', () => {
  const account = new Account({ watchKeys: false })
  account.delivered(0, 'k')
  assert.equal(account.totals(5, false).lost, 0)
  assert.equal(account.totals(5, true).lost, 5)
})

test('sees a key out of order, and lets a delivery come again', () => {
  const account = new Account({ watchKeys: true })
  for (const ordinal of [0, 2, 0, 2]) account.delivered(ordinal, 'a')
  account.delivered(1, 'b')
  assert.equal(account.totals(3, false).outOfOrder, 0)
  account.delivered(5, 'b')
  account.delivered(4, 'b')
  assert.equal(account.totals(6, false).outOfOrder, 1)
})

test('sees a record that comes again after its checkpoint, of this run or an earlier one', () => {
  const account = new Account({ watchKeys: false })
  account.done(0)
  account.delivered(1, 'k')
  account.checkpointed(1)
  assert.equal(account.totals(2, false).afterCheckpoint, 0)
  assert.equal(account.totals(2, false).records, 1)
  account.delivered(1, 'k')
  account.delivered(0, 'k')
  assert.equal(account.totals(2, false).afterCheckpoint, 2)
})
