import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RecordLine } from '../../lib/session/records.ts'
import { record, records } from '../helpers/wire.ts'

test('numbers records as they arrive, from one delivery to the next', () => {
  const line = deliver(records(3), records(2, 4))
  assert.deepEqual([line.end, line.watermark], [5, 0])
  assert.deepEqual(
    [0, 2, 3, 4].map((number) => line.record(number)?.text()),
    ['record 1', 'record 3', 'record 4', 'record 5'],
  )
  assert.equal(line.record(5), undefined)
})

describe('the watermark', () => {
  test('moves with each record that finishes in order', () => {
    const line = deliver(records(3))
    for (const number of [0, 1, 2]) {
      assert.equal(line.finish(number, 0), true)
      assert.equal(line.watermark, number + 1)
    }
  })

  test('waits for the first record that is not finished, and then passes all that were ahead', () => {
    const line = deliver(records(2), records(3, 3))
    assert.equal(line.finish(1, 0), false)
    assert.equal(line.finish(2, 0), false)
    assert.equal(line.finish(4, 0), false)
    assert.equal(line.watermark, 0)
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((number) => line.isFinished(number)),
      [false, true, true, false, true],
    )
    assert.deepEqual([...(line.finishedAhead() ?? [])], [1, 2, 4])
    assert.equal(line.finish(0, 0), true)
    assert.equal(line.watermark, 3)
  })

  test('does not move with a record that finishes twice', () => {
    const line = deliver(records(3))
    line.finish(0, 0)
    assert.equal(line.finish(0, 0), false)
    line.finish(2, 0)
    assert.equal(line.finish(2, 0), false)
    assert.deepEqual([line.watermark, line.bytes], [1, 8])
  })

  test('keeps when each record was finished, alone or with all before another', () => {
    const line = deliver(records(3), records(3, 4), records(1, 7))
    line.finish(0, 10)
    line.finish(4, 20)
    line.finishBefore(6, 30)
    line.finishBefore(7, 40)
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6].map((number) => line.finishedAt(number)),
      [10, 30, 30, 30, 20, 30, 40],
    )
    assert.equal(line.finishedAt(7), null)
    line.finishBefore(1, 50)
    assert.equal(line.finishedAt(0), 10)
  })

  test('takes times that differ by less than a millisecond for one', () => {
    const line = deliver(records(4), records(2, 5))
    for (const [number, time] of [10, 10.4, 11.2, 11.3, 11.5].entries()) line.finish(number, time)
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((number) => line.finishedAt(number)),
      [10, 10, 11.2, 11.2, 11.5],
    )
  })

  test('gives a record that others have waited for the time of the first of them', () => {
    const line = deliver(records(3))
    line.finish(1, 20)
    line.finish(2, 10)
    line.finish(0, 30)
    assert.deepEqual(
      [0, 1, 2].map((number) => line.finishedAt(number)),
      [10, 20, 10],
    )
  })

  test('counts the bytes of what is long given up and stored', () => {
    const line = deliver(records(3))
    for (const number of [0, 1, 2]) line.finish(number, 0)
    line.release(3)
    line.forget({ sequenceNumber: '3', subSequenceNumber: 0 })
    assert.deepEqual([line.kept, line.bytes], [0, 24])
  })

  test('passes what lies before a record, and no more', () => {
    const line = deliver(records(6))
    line.finishBefore(4, 0)
    assert.equal(line.watermark, 4)
  })

  test('keeps one time for what is finished whole, also once its records are given up', () => {
    const line = deliver(records(3), records(3, 4))
    line.finishBefore(6, 30)
    line.release(6)
    assert.deepEqual([line.finishedAt(0), line.finishedAt(5)], [30, 30])
  })

  test('passes everything before a record at once, gaps included', () => {
    const line = deliver(records(6))
    line.finish(1, 0)
    line.finish(4, 0)
    line.finishBefore(4, 0)
    assert.equal(line.watermark, 5)
    line.finishBefore(2, 0)
    assert.equal(line.watermark, 5)
    assert.equal(line.finishedAhead(), null)
  })

  test('is the first record that is not finished, in whatever order they finish', () => {
    const order = fc.array(fc.nat(11), { maxLength: 30 })
    fc.assert(
      fc.property(order, (numbers) => {
        const line = deliver(records(5), records(7, 6))
        const finished = new Set<number>()
        for (const number of numbers) {
          const before = line.watermark
          const moved = line.finish(number, 0)
          finished.add(number)
          let first = 0
          while (finished.has(first)) first += 1
          assert.equal(line.watermark, first)
          assert.equal(moved, first !== before)
          assert.equal(line.bytes, bytesBefore(first))
        }
      }),
    )
  })
})

test('knows the position, the bytes and the aggregate that end at the watermark', () => {
  const line = deliver([record(1), record(2, 0), record(2, 1), record(3)])
  assert.deepEqual([line.position, line.bytes], [null, 0])
  const ends = [0, 1, 2, 3].map((number) => {
    line.finish(number, 0)
    return line.endsAggregate
  })
  assert.deepEqual(ends, [true, false, true, true])
  assert.deepEqual([line.position, line.bytes], [at(3), 32])
  line.release(4)
  assert.deepEqual([line.position, line.bytes], [at(3), 32])
})

describe('a mark', () => {
  test('counts what lies before it, and knows when the record behind it was finished', () => {
    const line = deliver(records(2), records(3, 3))
    line.finish(0, 10)
    line.finish(1, 20)
    line.finish(2, 30)
    assert.deepEqual(line.markAt(0, at(1)), { position: at(1), records: 1, bytes: 8, nextAt: 20 })
    assert.deepEqual(line.markAt(1, at(2)), { position: at(2), records: 2, bytes: 16, nextAt: 30 })
    assert.deepEqual(line.markAt(2, at(3)), { position: at(3), records: 3, bytes: 24, nextAt: null })
    assert.deepEqual(line.markAt(4, at(5)), { position: at(5), records: 5, bytes: 40, nextAt: null })
  })

  test('holds the position alone, not the record with its data', () => {
    const line = deliver(records(1))
    const first = line.record(0)
    assert.ok(first)
    assert.deepEqual(Object.keys(line.markAt(0, first).position), ['sequenceNumber', 'subSequenceNumber'])
  })

  test('of a position is exact while its records are there, and never counts too much after that', () => {
    const line = deliver(records(4), records(4, 5))
    line.finishBefore(8, 5)
    assert.equal(line.markOf(at(3))?.records, 3)
    line.release(4)
    assert.equal(line.record(2), undefined)
    assert.deepEqual(line.markOf(at(3)), { position: at(3), records: 0, bytes: 0, nextAt: 5 })
    assert.equal(line.markOf(at(4))?.records, 4)
    assert.equal(line.markOf(at(6))?.records, 6)
  })

  test('is not made for positions outside of what has arrived', () => {
    const line = deliver(records(4, 3))
    assert.equal(line.markOf(at(2)), null)
    assert.equal(line.markOf(at(7)), null)
    line.finishBefore(4, 0)
    line.release(4)
    assert.equal(line.markOf(at(2)), null)
    assert.equal(line.markOf(at(7)), null)
  })
})

describe('the number at a position', () => {
  const line = deliver([record(9), record(10, 0), record(10, 1)], [record(10, 2), record(100)])

  test('is found by sequence number and sub-sequence, by number and not by text', () => {
    const numbers = [at(9), at(10), at(10, 1), at(10, 2), at(100)].map((position) => line.numberAt(position))
    assert.deepEqual(numbers, [0, 1, 2, 3, 4])
  })

  test('is -1 where there is no such record', () => {
    for (const odd of [at(8), at(10, 3), at(11), at(101), at(9, 1)]) assert.equal(line.numberAt(odd), -1)
  })
})

describe('a window', () => {
  test('takes records from as many deliveries as it spans', () => {
    const line = deliver(records(2), records(3, 3), records(1, 6))
    const window = line.window(1, 6)
    assert.deepEqual(
      window.records.map(({ sequenceNumber }) => sequenceNumber),
      ['2', '3', '4', '5', '6'],
    )
    assert.equal(line.window(2, 4).records.length, 2)
  })

  test('is cut at the number of records, or in front of the one that is too much', () => {
    const line = deliver(records(3), records(4, 4))
    const none = Number.POSITIVE_INFINITY
    assert.deepEqual(line.cut(0, { maxRecords: 5, maxBytes: none }), { to: 5, mayGrow: false })
    assert.deepEqual(line.cut(0, { maxRecords: 3, maxBytes: none }), { to: 3, mayGrow: false })
    assert.deepEqual(line.cut(0, { maxRecords: 7, maxBytes: none }), { to: 7, mayGrow: false })
    assert.deepEqual(line.cut(0, { maxRecords: 8, maxBytes: none }), { to: 7, mayGrow: true })
    assert.deepEqual(line.cut(0, { maxRecords: none, maxBytes: 33 }), { to: 4, mayGrow: false })
    assert.deepEqual(line.cut(0, { maxRecords: none, maxBytes: 32 }), { to: 4, mayGrow: false })
    assert.deepEqual(line.cut(4, { maxRecords: none, maxBytes: 25 }), { to: 7, mayGrow: true })
  })

  test('holds one record at least, however large', () => {
    const line = deliver(records(3))
    assert.deepEqual(line.cut(1, { maxRecords: 9, maxBytes: 1 }), { to: 2, mayGrow: false })
  })

  test('agrees with counting one record after the other, whatever the deliveries and the limits', () => {
    const deliveries = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 })
    const limits = fc.record({
      maxRecords: fc.integer({ min: 1, max: 20 }),
      maxBytes: fc.integer({ min: 1, max: 200 }),
    })
    fc.assert(
      fc.property(deliveries, limits, fc.nat(10), (sizes, { maxRecords, maxBytes }, from) => {
        const line = new RecordLine()
        for (const size of sizes) line.deliver(records(size, line.end + 1), 0, 0)
        if (from >= line.end) return
        let [count, bytes] = [0, 0]
        while (from + count < line.end && count < maxRecords) {
          const size = bytesBefore(from + count + 1) - bytesBefore(from + count)
          if (count > 0 && bytes + size > maxBytes) break
          bytes += size
          count += 1
          if (bytes >= maxBytes) break
        }
        const full = count === maxRecords || bytes >= maxBytes || from + count < line.end
        assert.deepEqual(line.cut(from, { maxRecords, maxBytes }), { to: from + count, mayGrow: !full })
      }),
    )
  })
})

test('does not grow without end where nothing is ever stored', () => {
  const line = new RecordLine()
  for (let number = 1; number <= 20_000; number += 1) {
    line.deliver([record(number)], 0, number)
    line.finishBefore(number, number)
    line.release(number)
  }
  assert.equal(line.position?.sequenceNumber, '20000')
  assert.equal(line.bytes, bytesBefore(20_000))
  const mark = line.markOf(at(7777))
  assert.ok(mark && mark.records <= 7777 && mark.records > 0)
  assert.ok(line.kept <= 2100, `${line.kept} segments`)
})

test('forgets what is stored', () => {
  const line = deliver(records(2), records(2, 3), records(2, 5))
  line.finishBefore(4, 0)
  line.release(4)
  line.forget(at(3))
  assert.equal(line.kept, 2)
  line.forget(at(4))
  assert.equal(line.kept, 1)
})

function deliver(...deliveries: ReturnType<typeof records>[]): RecordLine {
  const line = new RecordLine()
  for (const delivery of deliveries) line.deliver(delivery, 0, 0)
  return line
}

// The data of the records from `records()` is "record N".
function bytesBefore(number: number): number {
  let bytes = 0
  for (let at = 1; at <= number; at += 1) bytes += `record ${at}`.length
  return bytes
}

function at(number: number, subSequenceNumber = 0) {
  return { sequenceNumber: String(number), subSequenceNumber }
}
