import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ratios, START, worseThan } from './check.ts'

const BASELINE: Ratios = {
  '1000 × 1 KiB': { 'batch.records': 1, forEach: 0.9 },
  [START]: { processor: 1.2, memory: 1.1 },
}

test('what lies within the tolerance is not worse, nor what was not measured', () => {
  assert.deepEqual(worseThan(BASELINE, 0.1, BASELINE), [])
  assert.deepEqual(worseThan(BASELINE, 0.1, { '1000 × 1 KiB': { 'batch.records': 0.92 } }), [])
})

test('a lower ratio is worse, but for starts a higher one', () => {
  const now = {
    '1000 × 1 KiB': { 'batch.records': 2, forEach: 0.7 },
    [START]: { processor: 1.4, memory: 0.5 },
  }
  assert.deepEqual(worseThan(BASELINE, 0.1, now), [
    '1000 × 1 KiB, forEach: 0.7, and it was 0.9.',
    `${START}, processor: 1.4, and it was 1.2.`,
  ])
})
