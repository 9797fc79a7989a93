import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Idleness } from '../../../lib/launcher/supervision/idleness.ts'

test('says once that there is no consumer, and once again when the last one has ended', () => {
  const idleness = new Idleness(100, 0)
  const said = [99, 100, 101, 500].filter((now) => idleness.isNews(0, now))
  assert.deepEqual(said, [100])
  assert.equal(idleness.isNews(1, 600), false)
  assert.deepEqual(
    [700, 799, 800, 900].filter((now) => idleness.isNews(0, now)),
    [800],
  )
})
