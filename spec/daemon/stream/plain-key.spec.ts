import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainKey } from '../../../lib/daemon/stream/plain-key.ts'

const find = plainKey('id')
const found = (line: string): string | null => find(Buffer.from(line))

test('finds text and numbers, wherever the field stands', () => {
  assert.equal(found('{"id":"a","n":1}'), 'a')
  assert.equal(found('{"n":1,"id":"ü 漢 😀"}'), 'ü 漢 😀')
  assert.equal(found('{"ids":[1,"id,"],"id":42}'), '42')
  assert.equal(found('{"id":"a","id":"b"} '), 'b')
})

test('leaves to JSON.parse what is not that simple', () => {
  for (const line of [
    '{"id":"\\u0061"}',
    '{"\\u0069d":"a"}',
    '{"a":{"id":"inner"},"id":"outer"}',
    '{"id":"a","b":{"id":"inner"}}',
    '{"id":"a","b":"id"}',
    '{"id":"a","id" :"b"}',
    '{"id": "a"}',
    ' {"id":"a"}',
    '{"id":-1}',
    '{"id":1.5}',
    '{"id":1e3}',
    '{"id":12345678901234567890}',
    '{"id":null}',
    '{"id":["a"]}',
    '{"b":"id"}',
    '{}',
    '[{"id":"a"}]',
    '"id"',
  ]) {
    assert.equal(found(line), null, line)
  }
  assert.equal(plainKey(',')(Buffer.from('{"a":"b",",":"c"}')), null)
})

test('answers as JSON.parse does, or not at all', () => {
  let answers = 0
  fc.assert(
    fc.property(line(), fc.constantFrom('id', 'i', 'a-b', ',', 'ü'), (text, field) => {
      const key = plainKey(field)(Buffer.from(text))
      if (key === null) return
      answers += 1
      const value = (JSON.parse(text) as Record<string, unknown>)[field]
      assert.equal(key, String(value))
      assert.match(typeof value, /^(string|number)$/)
    }),
    { numRuns: 3000 },
  )
  assert.ok(answers > 100, `${answers} answers`)
})

// JSON as people may write it: with spaces anywhere, fields more than once, and names where values are.
function line(): fc.Arbitrary<string> {
  const space = fc.oneof({ weight: 20, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\t '))
  const plain = fc.constantFrom('id', 'i', 'a-b').map(quoted)
  const odd = fc.constantFrom(':', ',', '"', '{', 'ü', '', 'id":', '\\').map(quoted)
  const name = fc.oneof({ weight: 12, arbitrary: plain }, odd)
  const text = fc.oneof(
    name,
    fc.string({ unit: 'binary', maxLength: 5 }).map((of) => JSON.stringify(of)),
  )
  const number = fc.oneof(
    fc.integer().map(String),
    fc.double().map((of) => JSON.stringify(of)),
  )
  const flat = fc.oneof(text, number, fc.constantFrom('true', 'null', '12345678901234567', '1E2', '-0'))
  const joined = (parts: readonly string[], pad: string): string => parts.join(`${pad},`)
  const object = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.tuple(fc.array(fc.tuple(name, space, space, value), { maxLength: 4 }), space).map(
      ([fields, pad]) =>
        `{${joined(
          fields.map(([own, a, b, of]) => `${own}${a}:${b}${of}`),
          pad,
        )}${pad}}`,
    )
  const array = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.tuple(fc.array(value, { maxLength: 3 }), space).map(([of, pad]) => `[${joined(of, pad)}]`)
  const any = fc.oneof({ weight: 4, arbitrary: flat }, array(flat), object(flat), array(object(flat)))
  return fc.oneof({ weight: 5, arbitrary: object(flat) }, object(any), any)
}

function quoted(name: string): string {
  return JSON.stringify(name)
}
