import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginning, type From, type ListedShard, shardIds } from '../../../lib/daemon/kinesis/shard-list.ts'

// 0 was split into 2 and 3, then 1 and 2 were merged into 4.
const LIST: ListedShard[] = [
  shard('0', [], false),
  shard('1', [], false),
  shard('2', ['0'], false),
  shard('3', ['0'], true),
  shard('4', ['1', '2'], true),
]

test('begins everywhere, or only where records can still come', () => {
  assert.deepEqual(starts({ kind: 'earliest' }, null), {
    '0': 'TRIM_HORIZON',
    '1': 'TRIM_HORIZON',
    '2': 'TRIM_HORIZON',
    '3': 'TRIM_HORIZON',
    '4': 'TRIM_HORIZON',
  })
  assert.deepEqual(starts({ kind: 'latest' }, null), { '3': 'LATEST', '4': 'LATEST' })
  assert.equal(starts({ kind: 'time', time: 5 }, null)['3'], 'AT_TIMESTAMP')
})

test('takes the shards asked for and what became of them', () => {
  assert.deepEqual(Object.keys(starts({ kind: 'earliest' }, ['1'])), ['1', '4'])
  assert.deepEqual(starts({ kind: 'latest' }, ['0']), { '3': 'LATEST', '4': 'LATEST' })
  assert.throws(() => starts({ kind: 'earliest' }, ['9']), /no shard 9; it has 0, 1, 2, 3, 4/)
})

test('begins at checkpoints, and leaves alone what they neither name nor became of what they name', () => {
  const checkpoints = new Map([
    ['2', { sequenceNumber: '77', subSequenceNumber: 1 }],
    ['gone', { sequenceNumber: '5', subSequenceNumber: 0 }],
  ])
  assert.deepEqual(starts({ kind: 'checkpoints', checkpoints }, null), { '2': '77', '4': 'TRIM_HORIZON' })
})

test('knows shards by their name and by their number', () => {
  assert.deepEqual(shardIds('0, shardId-000000000012'), ['shardId-000000000000', 'shardId-000000000012'])
  assert.throws(() => shardIds('two'), /give shards of the stream/)
})

function starts(from: From, only: readonly string[] | null): Record<string, string> {
  return Object.fromEntries(
    beginning(LIST, from, only).map(([{ id }, { sequenceNumber }]) => [id, sequenceNumber]),
  )
}

function shard(id: string, parents: readonly string[], isOpen: boolean): ListedShard {
  return { id, parents, isOpen, range: { start: 0n, end: 1n } }
}
