import assert from 'node:assert/strict'
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Input } from '../../../lib/daemon/stream/input.ts'
import { keyRule } from '../../../lib/daemon/stream/record-line.ts'
import { UsageError } from '../../../lib/errors.ts'
import { temporaryFolder } from '../../helpers/command.ts'

test("takes each line's bytes as they are", async (t) => {
  const lines = ['{"id":"a", "n": 1 }', '  {"id":"ü"}', '{"id":"\u2028"}', '{"id":"last"}']
  const { input, keys } = open(t, `\ufeff${lines[0]}\r\n\n${lines[1]}\n \t\n${lines[2]}\n${lines[3]}`)
  await input.scan(true)
  assert.deepEqual(keys, ['a', 'ü', '\u2028', 'last'])
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
    const pieces: Buffer[] = []
    for (let at = 0; at < text.length; at += size) pieces.push(text.subarray(at, at + size))
    const keys: string[] = []
    const input = new Input({
      file: '-',
      stdin: Readable.from(pieces),
      keyOf: keyRule('id'),
      onRecord: (_, key) => keys.push(key),
    })
    t.after(() => input.close())
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
  await refused('[1]', /line 1 is not an object/)
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
  const keys: string[] = []
  const input = new Input({ file, keyOf: keyRule(field ?? undefined), onRecord: (_, key) => keys.push(key) })
  t.after(() => input.close())
  return { input, keys, file }
}
