import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCheckpoints, readStreamState, streamState } from '../../../lib/daemon/kinesis/saved-stream.ts'

const POSITIONS = new Map([
  ['shardId-000000000000', { sequenceNumber: '49', subSequenceNumber: 2 }],
  ['shardId-000000000001', { sequenceNumber: 'SHARD_END', subSequenceNumber: 0 }],
])

test('reads back the state of a run', () => {
  const state = { arn: 'arn:aws:kinesis:::stream/words', createdAt: 5, since: 7, positions: POSITIONS }
  assert.deepEqual(readStreamState(JSON.parse(JSON.stringify(streamState(state)))), state)
  assert.throws(() => readStreamState({ format: 1, shards: [] }), /the state of a run on a file/)
})

test('takes checkpoints from a state, from a plain object, and from a lease table', () => {
  const state = streamState({ arn: 'a', createdAt: 5, since: 7, positions: POSITIONS })
  assert.deepEqual(readCheckpoints(state), POSITIONS)
  const plain = {
    'shardId-000000000000': { sequenceNumber: '49', subSequenceNumber: 2 },
    'shardId-000000000001': 'SHARD_END',
  }
  assert.deepEqual(readCheckpoints(plain), POSITIONS)
  const Items = [...POSITIONS].map(([id, { sequenceNumber, subSequenceNumber }]) => ({
    leaseKey: { S: id },
    checkpoint: { S: sequenceNumber },
    checkpointSubSequenceNumber: { N: String(subSequenceNumber) },
    leaseCounter: { N: '5' },
  }))
  assert.deepEqual(readCheckpoints({ Items, Count: 2 }), POSITIONS)
})

test('refuses what names no positions', () => {
  for (const odd of [null, 5, [], {}, { a: '1' }, { 'shardId-0': 'yesterday' }, { Items: [] }]) {
    assert.throws(() => readCheckpoints(odd), { code: 'KCL_USAGE', message: /names no positions/ })
  }
})
