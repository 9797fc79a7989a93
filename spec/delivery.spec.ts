import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Progress } from '../lib/checkpoint/progress.ts'
import { Delivery } from '../lib/delivery.ts'
import { record, records } from './helpers/wire.ts'

test('finished records add up in the progress, in the order of the shard, with their decoded bytes', () => {
  const { delivery, progress } = deliver(records(3))
  assert.equal(delivery.bytes, 24)
  assert.equal(delivery.finish(0, 5), true)
  assert.deepEqual([progress.records, progress.bytes, progress.position], [1, 8, at(1)])
  assert.equal(delivery.finish(2, 6), false)
  assert.deepEqual([progress.records, progress.position], [1, at(1)])
  assert.equal(delivery.finish(1, 7), true)
  assert.deepEqual([progress.records, progress.bytes, progress.position], [3, 24, at(3)])
  assert.equal(delivery.complete, true)
})

test('a record is counted once, however often it is said to be finished', () => {
  const { delivery, progress } = deliver(records(3))
  delivery.finish(0, 0)
  delivery.finish(0, 0)
  delivery.finishBefore(2, 0)
  delivery.finishBefore(1, 0)
  assert.deepEqual([delivery.watermark, progress.records], [2, 2])
})

test('the figures go on from one batch to the next', () => {
  const { delivery, progress } = deliver(records(2))
  delivery.finishBefore(2, 0)
  const next = new Delivery(records(2, 3), 0, progress)
  assert.deepEqual(next.markAt(1), { position: at(4), records: 4, bytes: 32, nextAt: null })
})

test('a mark in the middle of what is finished knows when the record behind it was finished', () => {
  const { delivery } = deliver(records(3))
  delivery.finish(0, 10)
  delivery.finish(1, 20)
  assert.equal(delivery.markAt(0)?.nextAt, 20)
  assert.equal(delivery.markAt(1)?.nextAt, null)
  assert.equal(delivery.markAt(3), undefined)
  assert.equal(delivery.markAt(-1), undefined)
})

test('a mark holds the position alone, not the record with its data', () => {
  const { delivery } = deliver(records(1))
  assert.deepEqual(Object.keys(delivery.markAt(0)?.position ?? {}), ['sequenceNumber', 'subSequenceNumber'])
})

describe('the index of a position', () => {
  const { delivery } = deliver([record(9), record(10, 0), record(10, 1), record(10, 2), record(100)])

  test('is found by sequence number and sub-sequence, by number and not by text', () => {
    const indexes = [at(9), at(10), at(10, 1), at(10, 2), at(100)].map((position) =>
      delivery.indexOf(position),
    )
    assert.deepEqual(indexes, [0, 1, 2, 3, 4])
    assert.equal(delivery.indexOf(delivery.records[3]), 3)
  })

  test('is -1 for what is not of this batch', () => {
    for (const odd of [at(8), at(10, 3), at(11), at(101), at(9, -1), null, '9', {}, { sequenceNumber: 9 }]) {
      assert.equal(delivery.indexOf(odd), -1, JSON.stringify(odd))
    }
  })
})

test('knows whether what is finished ends an aggregated record', () => {
  const { delivery } = deliver([record(1), record(2, 0), record(2, 1), record(3)])
  const ends = [0, 1, 2, 3].map((index) => {
    delivery.finish(index, 0)
    return delivery.endsAggregate
  })
  assert.deepEqual(ends, [true, false, true, true])
})

function deliver(wire: ReturnType<typeof records>): { delivery: Delivery; progress: Progress } {
  const progress = new Progress()
  return { delivery: new Delivery(wire, 0, progress), progress }
}

function at(number: number, subSequenceNumber = 0) {
  return { sequenceNumber: String(number), subSequenceNumber }
}
