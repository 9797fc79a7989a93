import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProperties, parseProperties } from '../../../lib/launcher/configuration/properties.ts'

// Each pair was read with java.util.Properties of Java 17.
const JAVA: readonly (readonly [text: string, key: string, value: string])[] = [
  ['a=b', 'a', 'b'],
  ['a = b ', 'a', 'b '],
  ['  a\t:\tb', 'a', 'b'],
  ['a b=c', 'a', 'b=c'],
  ['a', 'a', ''],
  ['a=b # no comment', 'a', 'b # no comment'],
  ['a=b\\\n   c', 'a', 'bc'],
  ['a=C:\\kcl\\app', 'a', 'C:kclapp'],
  ['a=\\u20ac', 'a', '€'],
  ['a\\ b=c', 'a b', 'c'],
  ['a\\=b=c', 'a=b', 'c'],
  ['__proto__=x', '__proto__', 'x'],
  ['\xef\xbb\xbfa=b', '\xef\xbb\xbfa', 'b'],
]

test('reads every odd line as Java does', () => {
  for (const [text, key, value] of JAVA) {
    const [property] = parseProperties(Buffer.from(text, 'latin1'), 'app.properties')
    assert.deepEqual([property?.key, property?.value], [key, value], JSON.stringify(text))
  }
})

test('reads bytes as ISO-8859-1, whatever they were meant to be', () => {
  const [property] = parseProperties(Buffer.from('a=ü', 'utf8'), 'app.properties')
  assert.equal(property?.value, 'Ã¼')
})

test('hands out a key that is given twice, with the line of each', () => {
  const properties = parseProperties(Buffer.from('# one\na=1\n\na=2\n'), 'app.properties')
  assert.deepEqual(
    properties.map(({ value, line }) => [value, line]),
    [
      ['1', 2],
      ['2', 4],
    ],
  )
})

test('keeps the value as written, so that eaten backslashes can be seen', () => {
  assert.equal(parseProperties(Buffer.from('a=C:\\kcl'), 'app.properties')[0]?.written, 'C:\\kcl')
})

test('names the file and the escape that is broken', () => {
  assert.throws(() => parseProperties(Buffer.from('a=\\u12'), 'app.properties'), {
    code: 'KCL_USAGE',
    message: /^app\.properties: .*\\u12/,
  })
})

test('writes what it reads back, in plain ASCII', () => {
  const odd = [
    ' a',
    'a ',
    '',
    'a=b:c',
    '#x',
    '!x',
    'tab\t',
    'line\nend\r',
    '€',
    '😀',
    'C:\\kcl',
    '\\u0041',
    '\'q\' "r" $(x)',
    '\x00\x7f\x85\u2028',
  ]
  const entries = odd.map((value) => [`key ${value}`, value] as const)
  const text = formatProperties([...entries, ['__proto__', 'p']])
  assert.match(text, /^[\x20-\x7e\n]*$/)
  const read = parseProperties(Buffer.from(text), 'x').map(({ key, value }) => [key, value])
  assert.deepEqual(read, [...entries, ['__proto__', 'p']])
})
