import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { z } from 'zod'
import { RecordError, UsageError } from '../lib/errors.ts'
import type { WireRecord } from '../lib/protocol/messages.ts'
import { decodedLength, KinesisRecord } from '../lib/record.ts'
import type { StandardSchema } from '../lib/schema.ts'

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

  test('with data that are not JSON says where it stands, and can still be read as text', () => {
    const record = make({ sequenceNumber: '49', subSequenceNumber: 2, data: base64('plain') })
    assert.throws(
      () => record.json(),
      (error) =>
        error instanceof RecordError &&
        /^The record at 49\/2, partition key "key", is not JSON: Unexpected token/.test(error.message) &&
        error.cause instanceof SyntaxError &&
        error.position.sequenceNumber === '49' &&
        error.position.subSequenceNumber === 2,
    )
    assert.throws(() => make({ data: null }).json(), RecordError)
    assert.equal(record.text(), 'plain')
  })

  const quake = make({ data: base64('{"place":"Hualian","magnitude":"6.4"}') })
  const schemas: Record<
    string,
    { good: StandardSchema<{ place: string }>; bad: StandardSchema; async: StandardSchema }
  > = {
    zod: {
      good: z.object({ place: z.string() }),
      bad: z.object({ magnitude: z.number() }),
      async: z.object({ place: z.string().refine(async () => true) }),
    },
    valibot: {
      good: v.object({ place: v.string() }),
      bad: v.object({ magnitude: v.number() }),
      async: v.objectAsync({
        place: v.pipeAsync(
          v.string(),
          v.checkAsync(async () => true),
        ),
      }),
    },
    arktype: {
      good: type({ place: 'string' }),
      bad: type({ magnitude: 'number' }),
      // It has none that are asynchronous.
      async: { '~standard': { version: 1, vendor: 'ours', validate: async (value) => ({ value }) } },
    },
  }
  for (const [name, { good, bad, async }] of Object.entries(schemas)) {
    test(`is checked by a schema of ${name}, and what does not fit is told with its place`, () => {
      assert.equal(quake.json(good).place, 'Hualian')
      assert.throws(
        () => quake.json(bad),
        (error) =>
          error instanceof RecordError &&
          /^The record at 1, partition key "key", does not fit: magnitude: .*number/.test(error.message) &&
          error.issues.length === 1,
      )
      assert.throws(() => quake.json(async), { code: 'KCL_USAGE', message: /answered with a promise/ })
    })
  }

  test('is checked by a function, whose error is the cause, issues and all', () => {
    assert.equal(
      quake.json((value) => Number((value as { magnitude: string }).magnitude)),
      6.4,
    )
    const refuse = (): never => {
      throw new RangeError('too weak')
    }
    assert.throws(
      () => quake.json(refuse),
      (error) =>
        error instanceof RecordError &&
        /does not fit: too weak$/.test(error.message) &&
        error.cause instanceof RangeError,
    )
    const { parse } = z.object({ magnitude: z.number() })
    assert.throws(
      () => quake.json((value) => parse(value)),
      (error) =>
        error instanceof RecordError && error.issues.length === 1 && /magnitude: /.test(error.message),
    )
    assert.throws(() => quake.json(async () => 1), UsageError)
    assert.throws(() => quake.json(undefined as unknown as () => 1), {
      code: 'KCL_USAGE',
      message: /takes a function/,
    })
  })

  test('keeps its data in JSON, for dead letters and worker threads', () => {
    const record = make({ data: base64('é'), subSequenceNumber: 3 })
    const plain = {
      partitionKey: 'key',
      sequenceNumber: '1',
      subSequenceNumber: 3,
      timestamp: 1_700_000_000_000,
      data: base64('é'),
    }
    assert.deepEqual(JSON.parse(JSON.stringify(record)), plain)
    assert.deepEqual(structuredClone(record.toJSON()), plain)
    assert.equal(make({ data: null }).toJSON().data, '')
  })

  test('shows what is in it, short, and as text where it is text', () => {
    assert.equal(
      inspect(make({ data: base64('{"id":1}') }), { breakLength: Number.POSITIVE_INFINITY }),
      `KinesisRecord { partitionKey: 'key', sequenceNumber: '1', subSequenceNumber: 0, timestamp: 1700000000000, data: '{"id":1}' }`,
    )
    assert.match(inspect(make({ data: base64('x'.repeat(999)) })), /data: 'x{200}… \(999 bytes\)'/)
    assert.match(inspect(make({ data: Buffer.from([0xff, 0]).toString('base64') })), /data: <Buffer ff 00>/)
    assert.match(inspect({ deep: { er: [make({})] } }), /KinesisRecord/)
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

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
