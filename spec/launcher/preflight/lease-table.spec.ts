import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Lease, type Shard, strangeness, telling } from '../../../lib/launcher/preflight/lease-table.ts'

const SHARD: Shard = { shardId: 's-1', startingHashKey: '0', endingHashKey: '99', first: '1000' }
const CLOSED: Shard = { ...SHARD, shardId: 's-0', first: '100' }
const LEASE: Lease = { shardId: 's-1', checkpoint: '1500', startingHashKey: '0', endingHashKey: '99' }

test('finds nothing strange in leases of the shards that there are', () => {
  for (const leases of [
    [],
    [LEASE],
    [{ ...LEASE, checkpoint: 'TRIM_HORIZON' }],
    [
      { ...LEASE, checkpoint: '1000' },
      { ...LEASE, shardId: 's-0', checkpoint: 'SHARD_END' },
    ],
    [{ ...LEASE, shardId: 's-0', checkpoint: '999' }],
    // Written by a daemon that did not keep ranges yet.
    [{ shardId: 's-1', checkpoint: '1500' }],
  ]) {
    assert.equal(strangeness(leases, [CLOSED, SHARD]), undefined)
  }
})

test('lets leases of shards be that have expired, as long as another fits', () => {
  assert.equal(strangeness([{ ...LEASE, shardId: 's-old', checkpoint: '7' }, LEASE], [SHARD]), undefined)
  assert.equal(strangeness([{ ...LEASE, shardId: 's-old', checkpoint: 'SHARD_END' }], [SHARD]), undefined)
})

test('finds leases strange that name no shard, another range, or a position outside of the shard', () => {
  assert.match(
    strangeness([{ ...LEASE, shardId: 's-9' }], [SHARD]) ?? '',
    /lease of s-9, which the stream does not have/,
  )
  assert.match(strangeness([{ ...LEASE, endingHashKey: '49' }], [SHARD]) ?? '', /another range of hash keys/)
  assert.match(strangeness([{ ...LEASE, checkpoint: '999' }], [SHARD]) ?? '', /is at 999, which does not lie/)
})

test('asks Kinesis about a few leases only, and only about positions', () => {
  const leases = ['TRIM_HORIZON', '1', '2', '3', '4'].map((checkpoint) => ({ ...LEASE, checkpoint }))
  assert.deepEqual(
    telling([{ ...LEASE, shardId: 's-9' }, ...leases], [SHARD]).map(({ checkpoint }) => checkpoint),
    ['1', '2', '3'],
  )
})
