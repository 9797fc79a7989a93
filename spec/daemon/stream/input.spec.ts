import assert from 'node:assert/strict'
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import * as zlib from 'node:zlib'
import { gzipSync } from 'node:zlib'
import { Input } from '../../../lib/daemon/stream/input.ts'
import { keyRule } from '../../../lib/daemon/stream/record-line.ts'
import { UsageError } from '../../../lib/errors.ts'
import { temporaryFolder } from '../../helpers/command.ts'

test("takes each line's bytes as they are", async (t) => {
  const lines = ['{"id":"a", "n": 1 }', '  {"id":"ü\ufffd"}', '{"id":"\u2028"}', '{"id":"last"}']
  const { input, keys } = open(t, `\ufeff${lines[0]}\r\n\n${lines[1]}\n \t\n${lines[2]}\n${lines[3]}`)
  await input.scan(true)
  assert.deepEqual(keys, ['a', 'ü\ufffd', '\u2028', 'last'])
  assert.deepEqual(
    keys.map((_, ordinal) => input.read(ordinal).data.toString()),
    lines,
  )
  assert.deepEqual(
    keys.map((_, ordinal) => input.read(ordinal).partitionKey),
    keys,
  )
})

test('reads a stream in any pieces, and again from the start', async (t) => {
  const text = Buffer.from('{"id":"ä"}\r\n\r\n{"id":"b"}\n{"id":3}')
  for (let size = 1; size <= text.length; size += 3) {
    const { input, keys } = openStream(t, inPieces(text, size))
    assert.equal(input.isFile, false)
    await input.drain(async () => {})
    assert.deepEqual(keys, ['ä', 'b', '3'], `pieces of ${size}`)
    assert.deepEqual(input.read(1), {
      data: Buffer.from('{"id":"b"}'),
      partitionKey: 'b',
      arrivedAt: input.read(1).arrivedAt,
    })
  }
})

test('goes on where the last scan ended, and waits for half a line', async (t) => {
  const { input, keys, file } = open(t, '{"id":1}\n{"i')
  await input.scan(false)
  assert.deepEqual(keys, ['1'])
  appendFileSync(file, 'd":2}\n{"id":3}')
  await input.scan(false)
  assert.deepEqual(keys, ['1', '2'])
  await input.scan(true)
  assert.deepEqual(keys, ['1', '2', '3'])
  assert.equal(input.read(2).data.toString(), '{"id":3}')
})

test('takes the MD5 of the line where no key is named', async (t) => {
  const { input, keys } = open(t, '"a"\n[1]\n"a"\n', null)
  await input.scan(true)
  assert.equal(keys[0], keys[2])
  assert.match(keys[1] ?? '', /^[0-9a-f]{32}$/)
})

test('says what is wrong with a line, and which one it is', async (t) => {
  const refused = async (
    text: string | Buffer,
    pattern: RegExp,
    field: string | null = 'id',
  ): Promise<void> => {
    const { input } = open(t, text, field)
    await assert.rejects(input.scan(true), (error) => {
      assert.ok(error instanceof UsageError)
      assert.match(error.message, pattern)
      assert.doesNotMatch(error.message, /\n/)
      return true
    })
  }
  await refused('{"id":1}\n\n{oops\n', /line 3 is not JSON/)
  await refused('{"id":1}\n{"id":2', /line 2 is not JSON/)
  await refused(Buffer.from([0x22, 0xff, 0x22]), /line 1 is not UTF-8/, null)
  await refused('{"ID":1,"name":"x"}', /line 1 has no field "id".* it has the fields ID, name\./)
  await refused('{}', /it has no fields\./)
  await refused('[1]\n[2]', /line 1 is not an object/)
  await refused('{"id":null}', /the field "id" is null/)
  await refused('{"id":true}', /is a boolean/)
  await refused('{"id":[]}', /is an array/)
  await refused('{"id":""}', /has 0 characters; a partition key has 1 to 256/)
  await refused(JSON.stringify({ id: 'k'.repeat(257) }), /has 257 characters/)
  await refused('{"toString":1}', /has no field "valueOf"/, 'valueOf')
  await refused(`"${'x'.repeat(10 * 1024 * 1024)}"`, /10 MiB/, null)
  await refused(`{"id":"${'x'.repeat(12 * 1024 * 1024)}`, /10 MiB/)
})

test('counts characters, not UTF-16 units, in a key', async (t) => {
  const { input, keys } = open(t, JSON.stringify({ id: '😀'.repeat(256) }))
  await input.scan(true)
  assert.equal(keys.length, 1)
})

test('reads a compressed file as if it were not, and any part of it again', async (t) => {
  const text = `${'{"id":1}\n'.repeat(3)}{"id":"last"}`
  const { input, keys } = open(t, Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))]))
  assert.equal(input.isFile, true)
  await input.scan(true)
  assert.deepEqual(keys, ['1', '1', '1', 'last'])
  assert.equal(input.read(3).data.toString(), '{"id":"last"}')
})

test('unpacks a compressed stream, in any pieces', async (t) => {
  const packed = gzipSync('{"id":1}\n{"id":2}\n')
  for (let size = 1; size <= packed.length; size += 7) {
    const { input, keys } = openStream(t, inPieces(packed, size))
    await input.drain(async () => {})
    assert.deepEqual(keys, ['1', '2'], `pieces of ${size}`)
  }
})

test('says what is wrong with a compressed input', async (t) => {
  const cut = open(t, gzipSync('{"id":1}\n'.repeat(1000)).subarray(0, 40)).input
  await assert.rejects(cut.scan(true), /Cannot read .*: unexpected end of file\.$/)
  const packed = open(t, gzipSync('{"id":1}\n')).input
  await assert.rejects(packed.scan(false), /Nothing can be added to .*, which is compressed or/)
  const { input, keys } = open(t, ZSTD)
  const canUnpack = 'createZstdDecompress' in zlib
  if (canUnpack) await input.scan(true)
  else await assert.rejects(input.scan(true), /compressed with zstd, .* Unpack it first \(zstd -dc\)/)
  assert.deepEqual(keys, canUnpack ? ['1'] : [])
})

test('refuses an input that holds nothing', async (t) => {
  await assert.rejects(open(t, '').input.scan(true), /is empty: there are no records in it\./)
  await assert.rejects(open(t, '\n \n').input.scan(true), /holds nothing but blank lines\./)
  await assert.rejects(
    openStream(t, []).input.drain(async () => {}),
    /Nothing came on standard input/,
  )
  await open(t, '').input.scan(false)
})

test('takes no array for a record while it may be the whole input', async (t) => {
  const alone = open(t, '[{"id":1},{"id":2}]\n', null)
  await assert.rejects(alone.input.scan(true), /is one JSON array on one line/)
  assert.deepEqual(alone.keys, [])
  const stream = openStream(t, ['[{"id":', '1}]\n', '\n'], null)
  await assert.rejects(
    stream.input.drain(async () => {}),
    /is one JSON array on one line/,
  )
  assert.deepEqual(stream.keys, [])
  const several = open(t, '[1]\n[2]\n', null)
  await several.input.scan(true)
  assert.equal(several.keys.length, 2)
  const growing = open(t, '[1]\n', null)
  await growing.input.scan(false)
  assert.equal(growing.keys.length, 1)
})

test('names what an input is where its first line is no record, and only there', async (t) => {
  await assert.rejects(open(t, '\nid,name\n1,a\n').input.scan(true), /looks like CSV/)
  await assert.rejects(open(t, '{"id":1}\nid,name\n1,a\n').input.scan(true), /line 2 is not JSON/)
  await assert.rejects(
    open(t, `[${'1,'.repeat(6 * 1024 * 1024)}`).input.scan(true),
    /is one JSON array on one/,
  )
})

test('says why a file cannot be read', (t) => {
  const folder = temporaryFolder(t)
  const options = { keyOf: keyRule(undefined), onRecord: () => {} }
  assert.throws(() => new Input({ ...options, file: join(folder, 'missing') }), /there is no such file/)
  assert.throws(() => new Input({ ...options, file: folder }), /it is a folder/)
})

test('notices a file that was cut short', async (t) => {
  const { input, file } = open(t, '{"id":1}\n{"id":2}\n')
  await input.scan(true)
  truncateSync(file, 9)
  assert.throws(() => input.read(1), /was cut short/)
})

function open(t: TestContext, text: string | Buffer, field: string | null = 'id') {
  const file = join(temporaryFolder(t), 'input.ndjson')
  writeFileSync(file, text)
  return { ...collect(t, { file }, field), file }
}

function openStream(t: TestContext, pieces: readonly (Buffer | string)[], field: string | null = 'id') {
  return collect(t, { file: '-', stdin: Readable.from(pieces.map((piece) => Buffer.from(piece))) }, field)
}

function collect(t: TestContext, source: { file: string; stdin?: Readable }, field: string | null) {
  const keys: string[] = []
  const input = new Input({
    ...source,
    keyOf: keyRule(field ?? undefined),
    onRecord: (_, key) => keys.push(key()),
  })
  t.after(() => input.close())
  return { input, keys }
}

function inPieces(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

// {"id":1} and a newline, compressed by zstd.
const ZSTD = Buffer.from('28b52ffd04584900007b226964223a317d0a42a110e6', 'hex')
