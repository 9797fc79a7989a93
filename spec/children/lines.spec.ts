import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineSplitter } from '../../lib/children/lines.ts'

test('ends a line at \\n, \\r\\n and a lone \\r, however the bytes are cut', () => {
  const text = 'one\ntwo\r\nthree\rfour\n\n\r\nfünf\u2028still five\nlast'
  const expected = ['one', 'two', 'three', 'four', '', '', 'fünf\u2028still five', 'last']
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size += 1) {
    const lines: string[] = []
    const splitter = new LineSplitter((line) => lines.push(line))
    for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size))
    splitter.end()
    assert.deepEqual(lines, expected, `in pieces of ${size} bytes`)
  }
})

test('hands on the text before the end of input as a line, and nothing where there is none', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  splitter.push(Buffer.from('whole\n'))
  splitter.end()
  assert.deepEqual(lines, ['whole'])
})

test('cuts a line that does not end', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line), 4)
  splitter.push(Buffer.from('abcdefghij'))
  splitter.end()
  assert.deepEqual(lines, ['abcd', 'efgh', 'ij'])
})
