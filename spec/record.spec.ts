import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { WireRecord } from '../lib/protocol/messages.ts'
import { decodedLength, KinesisRecord } from '../lib/record.ts'

describe('a record', () => {
  test('tells its key, its position and its time as they came', () => {
    const record = make({ partitionKey: 'Zürich', sequenceNumber: '49', subSequenceNumber: 3 })
    assert.deepEqual(
      [record.partitionKey, record.sequenceNumber, record.subSequenceNumber, record.timestamp],
      ['Zürich', '49', 3, 1_700_000_000_000],
    )
  })

  test('decodes its data once, to the bytes that were sent', () => {
    const bytes = Buffer.from([0, 255, 10, 13, 226, 128, 168])
    const record = make({ data: bytes.toString('base64') })
    assert.ok(Buffer.isBuffer(record.data))
    assert.deepEqual(record.data, bytes)
    assert.equal(record.data, record.data)
  })

  test('without data is empty, never null', () => {
    const record = make({ data: null })
    assert.equal(record.data.length, 0)
    assert.equal(record.data, record.data)
    assert.equal(record.text(), '')
  })

  test('reads its data as UTF-8 text and as JSON', () => {
    const record = make({ data: Buffer.from('{"city":"Zürich \u2028"}').toString('base64') })
    assert.equal(record.text(), '{"city":"Zürich \u2028"}')
    assert.deepEqual(record.json<{ city: string }>(), { city: 'Zürich \u2028' })
  })

  test('with data that are not JSON throws the SyntaxError of JSON.parse, and can still be read as text', () => {
    const record = make({ data: Buffer.from('plain').toString('base64') })
    assert.throws(() => record.json(), SyntaxError)
    assert.throws(() => make({ data: null }).json(), SyntaxError)
    assert.equal(record.text(), 'plain')
  })

  test('tells when it arrived as a Temporal.Instant, made once', () => {
    const record = make({})
    assert.equal(record.arrivedAt?.epochMilliseconds, 1_700_000_000_000)
    assert.equal(record.arrivedAt, record.arrivedAt)
  })

  test('that arrived at the epoch has a time, and one of unknown arrival has none', () => {
    assert.equal(make({ approximateArrivalTimestamp: 0 }).arrivedAt?.epochMilliseconds, 0)
    const unknown = make({ approximateArrivalTimestamp: null })
    assert.deepEqual([unknown.timestamp, unknown.arrivedAt], [null, null])
  })
})

test('the size of base64 is told without decoding it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), fc.boolean(), (bytes, padded) => {
      const base64 = Buffer.from(bytes).toString('base64')
      assert.equal(decodedLength(padded ? base64 : base64.replaceAll('=', '')), bytes.length)
    }),
  )
})

function make(change: Partial<WireRecord>): KinesisRecord {
  return new KinesisRecord({
    data: 'aGVsbG8=',
    partitionKey: 'key',
    sequenceNumber: '1',
    subSequenceNumber: 0,
    approximateArrivalTimestamp: 1_700_000_000_000,
    ...change,
  })
}
