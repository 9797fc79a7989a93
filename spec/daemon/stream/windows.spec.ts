import assert from 'node:assert/strict'
import { appendFileSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Windows } from '../../../lib/daemon/stream/windows.ts'
import { temporaryFolder } from '../../helpers/command.ts'

const WINDOW = 256 * 1024

test('reads any piece, in a window, over its edge, and larger than one', (t) => {
  const bytes = Buffer.alloc(20 * WINDOW, 0).map((_, at) => (at * 31 + (at >> 8)) & 0xff)
  const { windows } = open(t, bytes)
  for (const [offset, length] of [
    [0, 10],
    [WINDOW - 10, 10],
    [WINDOW - 10, 20],
    [3 * WINDOW + 7, 3 * WINDOW],
    [20 * WINDOW - 5, 5],
  ] as const) {
    assert.ok(
      windows.read(offset, length).equals(bytes.subarray(offset, offset + length)),
      `${offset}, ${length}`,
    )
  }
  // Back and forth over more windows than are kept; what was handed out stays.
  const first = windows.read(0, 100)
  for (let round = 0; round < 2; round += 1) {
    for (let number = 0; number < 20; number += 1) {
      const offset = number * WINDOW + number
      assert.ok(windows.read(offset, 50).equals(bytes.subarray(offset, offset + 50)))
    }
  }
  assert.ok(first.equals(bytes.subarray(0, 100)))
})

test('sees what was added to the file since, and no more than there is', (t) => {
  const { windows, file } = open(t, Buffer.from('hello'))
  assert.equal(windows.read(0, 5).toString(), 'hello')
  assert.equal(windows.read(2, 10).toString(), 'llo')
  appendFileSync(file, ' world')
  assert.equal(windows.read(6, 5).toString(), 'world')
  assert.equal(windows.read(100, 5).length, 0)
})

function open(t: TestContext, bytes: Uint8Array) {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, bytes)
  const fd = openSync(file, 'r')
  t.after(() => closeSync(fd))
  return { windows: new Windows(fd), file }
}
