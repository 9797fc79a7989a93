import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userRecords } from '../../../lib/daemon/kinesis/aggregated.ts'
import { covers, evenRanges, hashKey, LARGEST } from '../../../lib/daemon/stream/hash-range.ts'
import { aggregate } from '../../e2e/aggregate.ts'

const ALL = { start: 0n, end: LARGEST }

test('unpacks what the producer library packed, numbered from 0', () => {
  const records = userRecords(aggregate('a key', ['one', 'two', '']), 'outer', ALL)
  assert.deepEqual(
    records.map(({ data, partitionKey, subSequenceNumber }) => [`${data}`, partitionKey, subSequenceNumber]),
    [
      ['one', 'a key', 0],
      ['two', 'a key', 1],
      ['', 'a key', 2],
    ],
  )
})

test('leaves everything else as it is, even what only looks like it', () => {
  const whole = aggregate('k', ['one'])
  const spoilt = Buffer.from(whole)
  spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1
  for (const data of [Buffer.from('text'), Buffer.alloc(0), whole.subarray(0, 10), spoilt]) {
    assert.deepEqual(userRecords(data, 'outer', ALL), [{ data, partitionKey: 'outer', subSequenceNumber: 0 }])
  }
})

test('drops an aggregate with a record of another shard, as the daemon does', () => {
  const [low, high] = evenRanges(2)
  assert.ok(low !== undefined && high !== undefined)
  const [mine, other] = covers(low, hashKey('k')) ? [low, high] : [high, low]
  assert.equal(userRecords(aggregate('k', ['one']), 'outer', mine).length, 1)
  assert.deepEqual(userRecords(aggregate('k', ['one']), 'outer', other), [])
})
