import assert from 'node:assert/strict'
import { appendFileSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Windows } from '../../../lib/daemon/stream/windows.ts'
import { temporaryFolder } from '../../helpers/command.ts'

const WINDOW = 256 * 1024

test('reads lines in a window, over its edge, and larger than several', (t) => {
  const lines = Array.from({ length: 400 }, (_, at) =>
    Buffer.from(`${at} ${'x'.repeat((at * 7919) % 30_000)}\n`),
  )
  lines.splice(200, 0, Buffer.from(`${'y'.repeat(3 * WINDOW)}\n`))
  const { windows } = open(t, Buffer.concat(lines))
  const starts = lines.map((_, at) => lines.slice(0, at).reduce((sum, { length }) => sum + length, 0))
  assert.ok((starts.at(-1) ?? 0) > 20 * WINDOW)
  const first = windows.line(0)
  // Twice, over more windows than are kept; what was handed out stays.
  for (let round = 0; round < 2; round += 1) {
    for (const [at, line] of lines.entries())
      assert.ok(windows.line(starts[at] ?? 0).equals(line), `line ${at}`)
  }
  assert.equal(first.toString(), '0 \n')
})

test('sees what was added to the file since, and no more than there is', (t) => {
  const { windows, file } = open(t, Buffer.from('one\ntw'))
  assert.equal(windows.line(0).toString(), 'one\n')
  assert.equal(windows.line(4).toString(), 'tw')
  appendFileSync(file, 'o\nthree\n')
  assert.equal(windows.line(4).toString(), 'two\n')
  assert.equal(windows.line(8).toString(), 'three\n')
  assert.equal(windows.line(100).length, 0)
})

function open(t: TestContext, bytes: Uint8Array) {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, bytes)
  const fd = openSync(file, 'r')
  t.after(() => closeSync(fd))
  return { windows: new Windows(fd), file }
}
