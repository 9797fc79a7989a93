import assert from 'node:assert/strict'
import { appendFileSync, closeSync, openSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LineIndex } from '../../../lib/daemon/stream/line-index.ts'
import { isBlank } from '../../../lib/daemon/stream/record-line.ts'
import { Runs } from '../../../lib/daemon/stream/runs.ts'
import { temporaryFolder } from '../../helpers/command.ts'

// Short lines, long ones, blank ones, and both ends of lines; the last without an end.
const LINES = Array.from({ length: 2000 }, (_, at) => {
  if (at % 13 === 5) return at % 2 === 0 ? '\n' : ' \r\n'
  return `${at} ${'x'.repeat(at % 97 === 0 ? 40_000 : at % 50)}${at === 1999 ? '' : at % 3 === 0 ? '\r\n' : '\n'}`
})
const RECORDS = LINES.map((line) => line.replace(/\r?\n$/, '')).filter((line) => line.trim() !== '')

test('finds every record: in order, backwards, and jumping about', (t) => {
  const { index } = open(t)
  assert.equal(index.length, RECORDS.length)
  const all = RECORDS.map((_, at) => at)
  const jumping = all.map((at) => (at * 977) % all.length)
  const inTurns = all.map((at) => (at % 4) * Math.floor(all.length / 4) + Math.floor(at / 4))
  for (const order of [all, all.toReversed(), jumping, inTurns.filter((at) => at < all.length)]) {
    for (const record of order)
      assert.equal(index.read(record)?.toString(), RECORDS[record], `record ${record}`)
  }
})

test('tells where the file has been cut, between two lines or in one', (t) => {
  for (const size of [0, 3, LINES.slice(0, 100).join('').length, LINES.slice(0, 100).join('').length + 2]) {
    const { index, file } = open(t)
    truncateSync(file, size)
    assert.equal(index.read(RECORDS.length - 1), null)
    assert.equal(index.read(150), null)
  }
})

test('sees what was added to the file since, behind a blank stretch and on the last page', (t) => {
  const { index, file } = open(t)
  const size = LINES.join('').length
  assert.equal(index.read(RECORDS.length - 1)?.toString(), RECORDS.at(-1))
  const blank = '\n'.repeat(1024 * 1024)
  appendFileSync(file, `${blank}more\r\nand more`)
  index.add(size + blank.length, size + blank.length + 5)
  assert.equal(index.read(RECORDS.length)?.toString(), 'more')
  index.add(size + blank.length + 6, size + blank.length + 14)
  assert.equal(index.read(RECORDS.length + 1)?.toString(), 'and more')
  assert.equal(index.read(RECORDS.length - 1)?.toString(), RECORDS.at(-1))
})

test('keeps values for as long as they hold', () => {
  const runs = new Runs()
  for (const [index, value] of [
    [0, 10],
    [5, 20],
    [6, 30],
    [100_000, 40],
  ] as const) {
    runs.push(index, value)
  }
  const at = (index: number) => Object.values(runs.at(index))
  assert.deepEqual([0, 4, 5, 6, 99_999, 100_000, 200_000, 3].map(at), [
    [0, 10],
    [0, 10],
    [5, 20],
    [6, 30],
    [6, 30],
    [100_000, 40],
    [100_000, 40],
    [0, 10],
  ])
  assert.equal(runs.length, 4)
})

function open(t: TestContext) {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, LINES.join(''))
  const fd = openSync(file, 'r')
  t.after(() => closeSync(fd))
  const index = new LineIndex(fd)
  let offset = 0
  for (const line of LINES) {
    const text = line.replace(/\r?\n$/, '')
    if (!isBlank(Buffer.from(text))) index.add(offset, offset + text.length)
    offset += line.length
  }
  return { index, file }
}
