import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SHARD_END, TRIM_HORIZON } from '../../../lib/daemon/conversation/checkpointer.ts'
import { KinesisStream } from '../../../lib/daemon/kinesis/kinesis-stream.ts'
import { LARGEST } from '../../../lib/daemon/stream/hash-range.ts'
import { aggregate } from '../../e2e/aggregate.ts'

test('keeps records under their own sequence numbers, and finds the place behind a position', (t) => {
  const { stream, shard } = streamAfter(t, TRIM_HORIZON)
  stream.append(shard, [record('100', 'a'), record('900', 'b'), record('2000', 'c')], 55)
  assert.deepEqual(
    stream.read(shard, 1, 10).map(({ data, sequenceNumber }) => [data, sequenceNumber]),
    [
      [Buffer.from('b').toString('base64'), '900'],
      [Buffer.from('c').toString('base64'), '2000'],
    ],
  )
  assert.equal(stream.read(shard, 0, 2).length, 2)
  assert.equal(stream.millisBehind(shard), 55)
  assert.equal(stream.cursorAfter(shard, TRIM_HORIZON), 0)
  assert.equal(stream.cursorAfter(shard, at('900')), 2)
  assert.equal(stream.cursorAfter(shard, at('1000')), 2)
  assert.equal(stream.cursorAfter(shard, SHARD_END), 3)
})

test('goes on in the middle of an aggregate, behind the part that was finished', (t) => {
  const { stream, shard } = streamAfter(t, { sequenceNumber: '100', subSequenceNumber: 1 })
  const packed = aggregate('k', ['one', 'two', 'three', 'four'])
  stream.append(shard, [{ ...record('100', ''), data: packed }, record('101', 'five')], 0)
  assert.deepEqual(
    stream
      .read(shard, 0, 10)
      .map(({ data, subSequenceNumber }) => [`${Buffer.from(data ?? '', 'base64')}`, subSequenceNumber]),
    [
      ['three', 2],
      ['four', 3],
      ['five', 0],
    ],
  )
})

test('finds later positions when records were given up', (t) => {
  const { stream, shard } = streamAfter(t, TRIM_HORIZON)
  stream.append(
    shard,
    ['100', '101', '102', '103'].map((number) => record(number, 'x')),
    0,
  )
  stream.release(shard, at('101'))
  assert.equal(stream.cursorAfter(shard, at('101')), 2)
  assert.equal(stream.cursorAfter(shard, at('102')), 3)
  stream.release(shard, at('103'))
  assert.equal(stream.cursorAfter(shard, at('103')), 4)
})

function streamAfter(t: TestContext, after: { sequenceNumber: string; subSequenceNumber: number }) {
  const stream = new KinesisStream()
  t.after(() => stream.spool.close())
  const info = { id: 'shardId-000000000000', range: { start: 0n, end: LARGEST }, parents: ['trimmed'] }
  return { stream, shard: stream.add(info, after) }
}

function record(sequenceNumber: string, text: string) {
  return { sequenceNumber, data: Buffer.from(text), partitionKey: 'k', arrivedAt: 1 }
}

function at(sequenceNumber: string) {
  return { sequenceNumber, subSequenceNumber: 0 }
}
