import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stepTable } from './report.ts'

test('the steps of a start are told by what each adds to those before it', () => {
  const start = (processor: number, memory: number | null) => ({
    processor,
    memory,
    wall: 0,
    ratio: 1,
    wallRatio: 1,
    memoryRatio: null,
  })
  const table = stepTable({
    floor: start(65, 7.1),
    '+ the library': start(71.25, 8),
    '+ more': start(71, null),
  })
  assert.deepEqual(table.split('\n').slice(2), [
    'floor          65.0             7.10',
    '+ the library  6.3              0.90',
    '+ more         -0.3             ?',
  ])
})
