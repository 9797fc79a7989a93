import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type InputRecord, opened } from '../../../../lib/daemon/stream/formats/envelope.ts'
import {
  converterFor,
  type Format,
  isTooShort,
  recognised,
} from '../../../../lib/daemon/stream/formats/formats.ts'
import { md5 } from '../../../../lib/daemon/stream/md5.ts'

test('leaves JSON lines alone that are records as they are', () => {
  assert.equal(converterFor({}), null)
  assert.equal(converterFor({ format: 'json', key: 'id' }), null)
})

test('takes lines of text, and lines of base64, as they come', async () => {
  assert.deepEqual(await texts({ format: 'text' }, 'one\r\n\nzwei ü\nlast'), ['one', 'zwei ü', 'last'])
  assert.deepEqual(await texts({ format: 'base64' }, `${btoa('one')}\n${btoa('two')}\n`), ['one', 'two'])
  await refused({ format: 'base64' }, 'b25l\nno!\n', /in, line 2 is not base64/)
})

test('takes binary frames of any bytes, and tells where they are none', async () => {
  const bytes = Buffer.concat([
    frame(Buffer.from([0, 10, 255])),
    frame(Buffer.alloc(0)),
    frame(Buffer.from('x')),
  ])
  const records = await convert({ format: 'frames' }, bytes)
  assert.deepEqual(
    records.map(({ data }) => [...data]),
    [[0, 10, 255], [], [120]],
  )
  await refused(
    { format: 'frames' },
    bytes.subarray(0, bytes.length - 1),
    /in ends in the middle of record 3/,
  )
  await refused({ format: 'frames' }, '{"id":1}\n', /in, record 1 has \d+ bytes.*Are these binary frames\?/)
})

test('takes data, key, time and hash key from fields', async () => {
  const fields = { data: 'body', key: 'id', time: 'at', explicitHashKey: 'hash' }
  const line = { id: 7, body: { a: 1 }, at: '2026-01-31T12:00:00Z', hash: String(2n ** 127n) }
  const [record] = await convert(fields, `${JSON.stringify(line)}\n`)
  assert.deepEqual(record, {
    data: Buffer.from('{"a":1}'),
    partitionKey: '7',
    hashKey: `8${'0'.repeat(31)}`,
    arrivedAt: Date.UTC(2026, 0, 31, 12),
  })
  const [text] = await convert({ data: 'body', time: 'at' }, '{"body":"as it is","at":1700000000.5}')
  assert.equal(`${text?.data}`, 'as it is')
  assert.equal(text?.partitionKey, md5('as it is'))
  assert.equal(text?.arrivedAt, 1_700_000_000_500)
  await refused({ data: 'body' }, '{"id":1}', /in, line 1 has no field "body" to take the data from/)
  await refused({ time: 'at' }, '{"at":"soon"}', /in, line 1: a time is ISO 8601/)
  await refused(
    { explicitHashKey: 'h' },
    `{"h":${2 ** 100}}`,
    /a hash key is a whole number below 2\^128, written as text/,
  )
  await refused({ explicitHashKey: 'h' }, `{"h":"${2n ** 128n}"}`, /below 2\^128/)
  await refused({ data: 'body' }, '[1]', /has no field "body"/)
})

test('compresses each record by itself, with the key of what it holds', async () => {
  const [record] = await convert({ gzip: true }, '{"id":1}\n')
  assert.equal(`${gunzipSync(record?.data ?? '')}`, '{"id":1}')
  assert.equal(record?.partitionKey, md5('{"id":1}'))
  await refused({ gzip: true }, 'no json\n', /in, line 1 is not JSON/)
})

test('recognises what aws kinesis get-records prints, laid out or not, and one record a line', async () => {
  const one = {
    SequenceNumber: '49',
    ApproximateArrivalTimestamp: 1700000000.25,
    Data: btoa('one'),
    PartitionKey: 'a',
  }
  const two = {
    ...one,
    SequenceNumber: '50',
    ApproximateArrivalTimestamp: '2026-01-31T12:00:00+00:00',
    Data: btoa('two'),
  }
  const answer = { Records: [one, two], NextShardIterator: 'AAAA', MillisBehindLatest: 0 }
  const laidOut = `${JSON.stringify(answer, null, 4)}\n`
  for (const text of [
    laidOut,
    laidOut + laidOut.replace('"AAAA"', '"BBBB"'),
    `${JSON.stringify(answer)}\n`,
    `${JSON.stringify(one)}\n${JSON.stringify(two)}\n`,
  ]) {
    const records = await convert(recognised(Buffer.from(text)), text)
    assert.deepEqual(
      records.slice(0, 2).map(({ data, partitionKey, arrivedAt }) => [`${data}`, partitionKey, arrivedAt]),
      [
        ['one', 'a', 1_700_000_000_250],
        ['two', 'a', Date.UTC(2026, 0, 31, 12)],
      ],
    )
  }
  assert.equal((await convert(recognised(Buffer.from(laidOut)), laidOut + laidOut)).length, 4)
})

test("takes nobody's own records for kept ones", () => {
  const s3 = '{"Records":[{"eventVersion":"2.1","s3":{}}]}\n'
  for (const text of [s3, '{"id":1}\n', '{"Data":"x","PartitionKey":"k"}\n', '# a comment\n', 'text\n', '']) {
    assert.equal(recognised(Buffer.from(text)), null, text)
  }
})

test('waits for no more of an input than is needed to recognise it', () => {
  for (const text of ['', '{"id":1', '{\n', '{\n    "Records": [\n', '# note\n'])
    assert.ok(isTooShort(Buffer.from(text)), text)
  for (const text of ['{"id":1}\n', '{\n "id"', '> {"action":"initialize"}\n'])
    assert.equal(isTooShort(Buffer.from(text)), !text.includes('\n'), text)
})

test('reads each record of a transcript once, and says where the data were left out', async () => {
  const record = (number: string, text: string) => ({
    data: btoa(text),
    partitionKey: 'k',
    sequenceNumber: number,
    approximateArrivalTimestamp: 5,
    subSequenceNumber: 0,
    action: 'record',
  })
  const batch = (...records: object[]) => `> ${JSON.stringify({ action: 'processRecords', records })}\n`
  const text = [
    '# ---- consumer 1\n> {"action":"initialize","shardId":"s"}\n< {"action":"status"}\n',
    batch(record('1', 'one'), record('2', 'two')),
    batch(record('2', 'two'), record('3', 'three')),
  ].join('')
  const records = await convert(recognised(Buffer.from(text)), text)
  assert.deepEqual(
    records.map(({ data, arrivedAt }) => [`${data}`, arrivedAt]),
    [
      ['one', 5],
      ['two', 5],
      ['three', 5],
    ],
  )
  const elided = text.replace(/"data":"[^"]*"/, '"data":"<base64 elided>"')
  await refused({ format: 'transcript' }, elided, /in, line 4: the data were left out/)
})

// Everything is tried in pieces of every odd size, which cut lines, characters and lengths.
async function convert(
  format: Format | ReturnType<typeof converterFor>,
  input: string | Buffer,
): Promise<InputRecord[]> {
  const converter = typeof format === 'function' ? format : converterFor(format ?? {})
  assert.ok(converter !== null, 'it was not recognised')
  const bytes = Buffer.from(input)
  const results: InputRecord[][] = []
  for (const size of [1, 7, bytes.length + 1]) {
    const lines: InputRecord[] = []
    for await (const line of converter(pieces(bytes, size), 'in')) lines.push(opened(line))
    results.push(lines)
  }
  assert.deepEqual(results[0], results[2])
  assert.deepEqual(results[1], results[2])
  return results[2] ?? []
}

async function texts(format: Format, input: string): Promise<string[]> {
  return (await convert(format, input)).map(({ data }) => `${data}`)
}

async function refused(format: Format, input: string | Buffer, message: RegExp): Promise<void> {
  await assert.rejects(convert(format, input), { code: 'KCL_USAGE', message })
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function frame(data: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  return Buffer.concat([length, data])
}
