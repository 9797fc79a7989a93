import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holdSlot, waitForSlot } from '../../../lib/launcher/machine/slot.ts'

test('gives a name to one holder at a time', { skip: process.platform !== 'linux' }, async (t) => {
  const name = `spec/${process.pid}/${'long '.repeat(40)}`
  const first = await holdSlot(name)
  assert.ok(typeof first === 'object')
  assert.equal(await holdSlot(name), 'taken')
  let waited = false
  const waiting = waitForSlot(name, () => {
    waited = true
    first.release()
  })
  const second = await waiting
  t.after(() => second?.release())
  assert.ok(waited)
  assert.ok(second)
})
