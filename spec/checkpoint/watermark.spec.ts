import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Watermark } from '../../lib/checkpoint/watermark.ts'

test('moves with each record that finishes in order', () => {
  const watermark = new Watermark(3)
  assert.deepEqual([watermark.mark, watermark.complete], [0, false])
  for (const index of [0, 1, 2]) {
    assert.equal(watermark.finish(index), true)
    assert.equal(watermark.mark, index + 1)
  }
  assert.equal(watermark.complete, true)
})

test('waits for the first record that is not finished, and then passes all that were ahead', () => {
  const watermark = new Watermark(5)
  assert.equal(watermark.finish(1), false)
  assert.equal(watermark.finish(2), false)
  assert.equal(watermark.finish(4), false)
  assert.equal(watermark.mark, 0)
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((index) => watermark.isFinished(index)),
    [false, true, true, false, true],
  )
  assert.equal(watermark.finish(0), true)
  assert.equal(watermark.mark, 3)
})

test('a record that finishes twice changes nothing', () => {
  const watermark = new Watermark(3)
  watermark.finish(0)
  assert.equal(watermark.finish(0), false)
  watermark.finish(2)
  assert.equal(watermark.finish(2), false)
  assert.equal(watermark.mark, 1)
})

test('finishes everything before a record at once, gaps included', () => {
  const watermark = new Watermark(6)
  watermark.finish(1)
  watermark.finish(4)
  watermark.finishBefore(4)
  assert.equal(watermark.mark, 5)
  watermark.finishBefore(2)
  assert.equal(watermark.mark, 5)
})

test('an empty batch is complete', () => {
  assert.equal(new Watermark(0).complete, true)
})

test('in any order, the mark is the first record that is not finished', () => {
  const order = fc.array(fc.nat(11), { maxLength: 30 })
  fc.assert(
    fc.property(order, (indexes) => {
      const watermark = new Watermark(12)
      const finished = new Set<number>()
      for (const index of indexes) {
        const before = watermark.mark
        const moved = watermark.finish(index)
        finished.add(index)
        let first = 0
        while (finished.has(first)) first += 1
        assert.equal(watermark.mark, first)
        assert.equal(moved, first !== before)
      }
    }),
  )
})
