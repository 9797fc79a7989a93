import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusLines } from '../../lib/cli/status.ts'
import { readTables } from '../../lib/leases/lease-table.ts'
import { type ApplicationStatus, statusOf } from '../../lib/leases/status.ts'
import { storedLags } from '../../lib/leases/stored-lag.ts'
import { leaseRow, Tables } from '../helpers/tables.ts'

const NAMES = { leases: 'demo', workers: 'demo-W', coordinator: 'demo-C' }

test('tells who owns what and lives, what waits for what, and who leads', async () => {
  const tables = new Tables()
  const moving = leaseRow('s-0', { leaseOwner: { S: 'w-1' }, throughputKBps: { N: '0.0512' } })
  tables.rows.set('demo', [
    leaseRow('s-4', { parentShardId: { SS: ['s-3', 's-cleaned-up'] }, checkpoint: { S: 'TRIM_HORIZON' } }),
    leaseRow('s-3', { leaseOwner: { S: 'w-2' } }),
    leaseRow('s-2', { checkpoint: { S: 'SHARD_END' } }),
    leaseRow('s-1', { parentShardId: { SS: ['s-2'] }, checkpoint: { S: 'TRIM_HORIZON' } }),
    moving,
  ])
  tables.rows.set('demo-W', [
    { wid: { S: 'w-1' }, lut: { N: '995' } },
    { wid: { S: 'w-2' }, lut: { N: '700' } },
  ])
  tables.rows.set('demo-C', [
    { key: { S: 'Other' } },
    { key: { S: 'Leader' }, ownerName: { S: 'w-1' }, recordVersionNumber: { S: 'x' } },
  ])
  const before = await readTables(tables.call, NAMES)
  Object.assign(moving, { leaseCounter: { N: '6' }, checkpoint: { S: '50' } })
  const after = await readTables(tables.call, NAMES)
  const found = statusOf(before, after, 1000, new Map([['s-0', 24.12]]))
  assert.deepEqual(statusLines('demo', found, true), [
    'SHARD  OWNER  ALIVE    CHECKPOINT  NOT STORED SINCE  KB/s  WAITS FOR',
    's-0    w-1      yes        moving            24.1 s  0.05          -',
    's-1    -          -  TRIM_HORIZON           unknown     -          -',
    's-2    -          -         ended        all stored     -          -',
    's-3    w-2       NO     unchanged           unknown     -          -',
    's-4    -          -  TRIM_HORIZON           unknown     -        s-3',
    'workers: w-1 (seen 5 s ago, leader), w-2 (seen 300 s ago) · 1 lease without an owner',
  ])
})

test('says so where there is nothing', async () => {
  const none = await readTables(new Tables().call, NAMES)
  const found: ApplicationStatus = statusOf(none, none, 0, new Map())
  assert.deepEqual(statusLines('demo', found, false), [
    'There are no leases in demo: the application has not run here, or was reset.',
  ])
})

test('asks Kinesis for the first record that is not stored, through parts of a shard without any', async () => {
  const asked: object[] = []
  const answers: Record<string, unknown>[] = [
    { Records: [], MillisBehindLatest: 5000, NextShardIterator: 'b' },
    { Records: [{ ApproximateArrivalTimestamp: 900.5 }], MillisBehindLatest: 0 },
    { Records: [], MillisBehindLatest: 0, NextShardIterator: 'x' },
    { Records: [], MillisBehindLatest: 9, NextShardIterator: null },
  ]
  const kinesis = async (action: string, request: object): Promise<Record<string, unknown>> => {
    if (action === 'GetRecords') return answers.shift() ?? {}
    asked.push(request)
    return { ShardIterator: 'a' }
  }
  const lease = { counter: '1', owner: null, parents: [], throughput: null, item: {} }
  const lags = await storedLags(
    kinesis,
    'words',
    [
      { ...lease, shard: 's-0', checkpoint: '49' },
      { ...lease, shard: 's-1', checkpoint: 'TRIM_HORIZON' },
      { ...lease, shard: 's-2', checkpoint: '50' },
      { ...lease, shard: 's-3', checkpoint: 'LATEST' },
      { ...lease, shard: 's-4', checkpoint: 'SHARD_END' },
    ],
    () => 1_000_000,
  )
  assert.deepEqual([...lags.values()], [99.5, 0, 0, null, null])
  assert.deepEqual(asked[0], {
    StreamName: 'words',
    ShardId: 's-0',
    ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
    StartingSequenceNumber: '49',
  })
})
