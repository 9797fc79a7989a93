import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notNdjson } from '../../../lib/daemon/stream/not-ndjson.ts'

// What comes in, what it is said to be, and what makes NDJSON of it.
const INPUTS: readonly (readonly [string, Buffer | string, RegExp])[] = [
  ['an array on one line', '[{"id":1},{"id":2}]\n', /is one JSON array on one line, .*: jq -c '\.\[\]' in /],
  [
    'an array over many lines',
    '[\n  {"id":1}\n]\n',
    /is one JSON array over many lines\. .*: jq -c '\.\[\]' in /,
  ],
  ['an array whose first element is cut', '[{"id":1},\n{"id":2}]\n', /is one JSON array over many lines/],
  ['objects laid out', '{\n  "id": "}"\n}\n', /is JSON laid out over many lines\. .*: jq -c \. in /],
  ['CSV', 'id,name\n1,a\n', /looks like CSV, not JSON\. .*: mlr --icsv --ojsonl cat in /],
  ['CSV with quotes', 'id,name\n1,"a,b"\n', /looks like CSV/],
  ['CSV with semicolons', 'id;name\n1;a\n', /CSV with semicolons.*--ifs ';'/],
  ['a table with tabs', 'id\tname\n1\ta\n', /a table with tabs.*--itsv/],
  [
    'UTF-16 with its mark',
    Buffer.from('\ufeff{"id":1}\n', 'utf16le'),
    /is UTF-16.*iconv -f UTF-16 -t UTF-8 in /,
  ],
  ['UTF-16 without it', Buffer.from('{"id":1}\n', 'utf16le'), /is UTF-16/],
  ['UTF-16 the other way round', Buffer.from('{"id":1}\n', 'utf16le').swap16(), /is UTF-16/],
  ['bzip2', Buffer.from('BZh91AY'), /bzip2 -dc in /],
  ['a zip archive', Buffer.from('PK\x03\x04…'), /unzip -p in /],
  ['Parquet', 'PAR1…', /Parquet/],
]

for (const [kind, head, says] of INPUTS) {
  test(`knows ${kind}`, () => {
    const text = notNdjson(Buffer.from(head), 'in file') ?? ''
    assert.match(text.replace("'in file'", 'in '), says)
    assert.match(text, /'in file' > records\.ndjson$/)
  })
}

test('names a step of the pipe where there is no file', () => {
  assert.match(
    notNdjson(Buffer.from('[1]\n'), 'standard input') ?? '',
    /with jq -c '\.\[\]' in the pipe in front\.$/,
  )
})

test('claims nothing where a line is just no record', () => {
  for (const head of ['hello\n', '{"id":2', '{"id":1}}\n', 'a,b\n1\n', '"a,b\n', '']) {
    assert.equal(notNdjson(Buffer.from(head), 'file'), null, head)
  }
})
