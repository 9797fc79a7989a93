// Whatever the line, what comes out is what JSON.parse would have made of it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readLine } from '../../lib/io/payloads.ts'
import { parseLine } from '../../lib/protocol/line.ts'
import { collectGarbage } from '../helpers/garbage.ts'

// A line is cut when its first payload is large, and it is long itself.
const LARGE = 'QUJD'.repeat(1500)

test('takes the payloads of large records out of the line', () => {
  const line = JSON.stringify({ records: [{ data: LARGE }, { data: 'QQ==' }, { data: '' }, { data: null }] })
  const cut = read(line)
  assert.ok(typeof cut !== 'string')
  assert.equal(cut.text, '{"records":[{"data":"\\t"},{"data":"\\t"},{"data":"\\t"},{"data":null}]}')
  assert.deepEqual(cut.payloads, [LARGE, 'QQ==', ''])
  assert.equal(cut.whole(), line)
})

test('leaves a line alone whose records are small', () => {
  const line = JSON.stringify({ records: Array.from({ length: 1000 }, () => ({ data: 'QUJD' })) })
  assert.equal(read(line), line)
})

test('a batch of records of any size is read as JSON.parse reads it', () => {
  const data = fc.oneof(
    fc.constantFrom(LARGE, `${LARGE}QQ==`, '', null),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  )
  const payloadLike = fc.constantFrom('"data":"', '","data":"QQ==', 'data', '0', '\u2028', 'Zürich 東京 🚀')
  const record = fc.record(
    {
      data,
      partitionKey: fc.oneof(fc.string({ unit: 'binary' }), payloadLike),
      sequenceNumber: fc.bigInt({ min: 0n }).map(String),
      unknown: fc.oneof(fc.jsonValue(), fc.record({ data })),
    },
    { requiredKeys: ['data', 'partitionKey'] },
  )
  const line = fc.record({
    action: fc.constant('processRecords'),
    records: fc.array(record).map((records) => [{ data: LARGE, partitionKey: 'first' }, ...records]),
    millisBehindLatest: fc.option(fc.nat()),
  })
  fc.assert(fc.property(line, (message) => same(JSON.stringify(message))))
})

describe('a line is read as JSON.parse reads it, with', () => {
  const odd: [title: string, line: string][] = [
    ['data outside of the records', JSON.stringify({ data: LARGE, records: [{ data: LARGE }] })],
    [
      'data inside of something that a record has',
      JSON.stringify({ records: [{ data: LARGE, a: { data: 'QQ==' } }] }),
    ],
    [
      'data inside of something else, and a record without',
      JSON.stringify({ a: { data: LARGE }, records: [{}, { data: 0 }] }),
    ],
    ['data twice in one record', `{"records":[{"data":"${LARGE}","data":"QQ=="}]}`],
    ['a number for data', JSON.stringify({ records: [{ data: LARGE }, { data: 1 }, { data: 'QQ==' }] })],
    ['data beside no records', JSON.stringify({ action: 'news', data: LARGE })],
    ['records that are no list', JSON.stringify({ data: LARGE, records: 5 })],
    ['a record that is no object', JSON.stringify({ records: [{ data: LARGE }, null, 'x', 7] })],
    [
      'text like a payload in a partition key',
      JSON.stringify({ records: [{ data: LARGE, partitionKey: '","data":"' }] }),
    ],
    ['an escape inside of the data', `{"records":[{"data":"${LARGE}\\u0041"}]}`],
    [
      'blanks between the tokens',
      JSON.stringify({ records: [{ data: LARGE }] }, null, 1).replaceAll('\n', ' '),
    ],
    ['blanks before some data alone', `{"records":[{"data":"${LARGE}"},{"data": "QQ=="}]}`],
    [
      'text that is not ASCII',
      JSON.stringify({ records: [{ data: LARGE, partitionKey: 'Zürich 東京 🚀 \u2028' }] }),
    ],
    ['data that is not ASCII', JSON.stringify({ records: [{ data: `${LARGE}é` }] })],
    ['a tab for data', JSON.stringify({ a: { data: LARGE }, records: [{ data: '\t' }] })],
    ['null alone', 'null'],
  ]
  for (const [title, line] of odd) test(title, () => same(line))
})

describe('whoever keeps keys and sequence numbers, or one record of many, keeps nothing else of a line', () => {
  for (const [title, odd] of [
    ['in a line that is cut', ''],
    ['in one that is not', '\\'],
  ] as const) {
    test(title, () => {
      const kept = new Map<string, unknown>()
      const before = memoryInUse()
      for (let line = 0; line < 40; line += 1) keepSome(line, odd, kept)
      const megabytes = (memoryInUse() - before) / 1e6
      assert.equal(kept.size, 440)
      assert.ok(megabytes < 10, `${megabytes} MB are kept of 40 lines of 1.3 MB`)
    })
  }
})

function keepSome(line: number, odd: string, kept: Map<string, unknown>): void {
  const sent = Array.from({ length: 10 }, (_, index) => ({
    data: index === 0 ? 'QUJD'.repeat(500) : 'QUJD'.repeat(35_000),
    partitionKey: `a key that is long enough to be cut out of its line ${odd} ${line} ${index}`,
    sequenceNumber: `49680480319403912442001526115259024566756210903642800${line}${index}`,
  }))
  const text = JSON.stringify({ records: sent })
  const { records } = parseLine(read(text)) as { records: typeof sent }
  for (const { partitionKey, sequenceNumber } of records) kept.set(partitionKey, sequenceNumber)
  kept.set(`a record of ${line}`, records[0])
}

function memoryInUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('a broken line is refused', () => {
  for (const line of [
    `{"records":[{"data":"${LARGE}`,
    `{"records":[{"data":"${LARGE}"}`,
    `{"records":[{"data":"${LARGE}"},{"data":"QQ==`,
    `{"records":[{"data":"${LARGE}"}]}}`,
    `{"records":[{"key":"x"data":"${LARGE}"}]}`,
    `{"a":{"data":"${LARGE}"},"records":[{"data":"\t"}]}`,
  ]) {
    test(line.replace(LARGE, '…'), () => {
      assert.throws(() => parseLine(read(line)), SyntaxError)
    })
  }
})

function same(line: string): void {
  assert.deepEqual(parseLine(read(line)), JSON.parse(line))
}

// As it comes, between other bytes.
function read(line: string): ReturnType<typeof readLine> {
  const bytes = Buffer.from(`"${line}"`)
  return readLine(bytes, 1, bytes.length - 1)
}
