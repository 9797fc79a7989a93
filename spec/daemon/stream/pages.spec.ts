import assert from 'node:assert/strict'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Page, Pages } from '../../../lib/daemon/stream/pages.ts'
import { temporaryFolder } from '../../helpers/command.ts'

const MEBIBYTE = 1024 * 1024

test('finds the lines of a page, whatever their ends, and passes over blank ones', () => {
  const text = ' \r\n{"a":1}\r\n\n  {"b":2}\n\r\n \t \n3\n\r\n4\r'
  const page = new Page({ first: 10, offset: 0, end: text.length }, Buffer.from(text))
  const lines = [9, 10, 11, 12, 13, 14].map((record) => page.line(record)?.toString())
  assert.deepEqual(lines, [undefined, '{"a":1}', '  {"b":2}', '3', '4', undefined])
})

test('takes no part of a line for a record where the file is cut', () => {
  const page = new Page({ first: 0, offset: 0, end: 20 }, Buffer.from('{"a":1}\n{"a":'))
  assert.deepEqual([page.line(0)?.toString(), page.line(1)], ['{"a":1}', null])
})

test('keeps the pages that were read last, up to 4 MiB, and one that is larger', (t) => {
  const pages = open(t, 8 * MEBIBYTE)
  const place = (at: number, size = MEBIBYTE) => ({
    first: at,
    offset: at * MEBIBYTE,
    end: at * MEBIBYTE + size,
  })
  const [zero, one] = [pages.at(place(0)), pages.at(place(1))]
  pages.at(place(2))
  pages.at(place(3))
  assert.equal(pages.at(place(0)), zero)
  pages.at(place(4))
  assert.equal(pages.at(place(0)), zero)
  assert.notEqual(pages.at(place(1)), one)
  const large = pages.at(place(2, 6 * MEBIBYTE))
  assert.equal(large.size, 6 * MEBIBYTE)
  assert.equal(pages.at(place(2, 6 * MEBIBYTE)), large)
  assert.notEqual(pages.at(place(0)), zero)
})

test('reads a page again that has grown, and leaves what it handed out as it was', (t) => {
  const pages = open(t, 100)
  const before = pages.at({ first: 0, offset: 0, end: 9 })
  const line = before.line(0)
  assert.equal(line?.toString(), 'x'.repeat(9))
  const after = pages.at({ first: 0, offset: 0, end: 19 })
  assert.deepEqual([after.line(0)?.length, after.line(1)?.length], [9, 9])
  assert.equal(line.toString(), 'x'.repeat(9))
})

// Lines of ten bytes each.
function open(t: TestContext, size: number): Pages {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, `${'x'.repeat(9)}\n`.repeat(Math.ceil(size / 10)))
  const fd = openSync(file, 'r')
  t.after(() => closeSync(fd))
  return new Pages(fd)
}
