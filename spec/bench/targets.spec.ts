import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACKNOWLEDGING } from './daemon.ts'
import { targetTable } from './report.ts'
import { SHAPES } from './shapes.ts'
import { STYLES } from './styles.ts'
import { costsOf, DAEMON, REST, reached, START, TARGETS, type Target } from './targets.ts'

const FAST: Target = { row: '1 × 1 B', style: 'ours', over: 'theirs', least: 1.9 }
const SMALL: Target = { row: START, style: 'ours', over: 'theirs', most: 1.15 }

test('a speed is met from its figure up, a cost from its figure down, and what was not measured is left out', () => {
  const judged = (ours: number, theirs: number) =>
    reached([FAST, SMALL, { ...FAST, row: 'another' }, { ...FAST, over: 'nobody' }], {
      '1 × 1 B': { ours, theirs },
      [START]: { ours, theirs },
    }).map(({ figure, met }) => [figure, met])
  assert.deepEqual(judged(10, 19), [
    [1.9, true],
    [0.526, true],
  ])
  assert.deepEqual(judged(10, 18.99), [
    [1.899, false],
    [0.527, true],
  ])
  assert.deepEqual(judged(23.1, 20), [
    [0.866, false],
    [1.155, false],
  ])
})

test('the table says of each target what it asks and whether it is met', () => {
  const table = targetTable(
    reached([FAST, SMALL], { '1 × 1 B': { ours: 1, theirs: 2 }, [START]: { ours: 3, theirs: 2 } }),
  )
  assert.match(table, /^1 × 1 B: ours over theirs +≥ 1\.90 +2\.000 +met$/m)
  assert.match(table, /^start: ours over theirs +≤ 1\.15 +1\.500 +MISSED$/m)
})

test('costs are those of the tables', () => {
  const figures = { wall: 9, ratio: 1.5, wallRatio: 2, peak: null, memory: 1, memoryRatio: 1.25 }
  assert.deepEqual(
    costsOf(
      { '1 × 1 B': { ours: { ...figures, processor: 4 } } },
      { ours: { ...figures, processor: 4 } },
      { ours: { wall: 3, recordsPerSecond: 1 } },
    ),
    { '1 × 1 B': { ours: 4 }, [START]: { ours: 1.5 }, [REST]: { ours: 1.25 }, [DAEMON]: { ours: 3 } },
  )
})

test('every target is of a shape and of styles that are measured', () => {
  const rows = [...SHAPES.map(({ name }) => name), START, REST, DAEMON]
  const styles = [...STYLES.map(({ name }) => name), ACKNOWLEDGING]
  for (const { row, style, over } of TARGETS) {
    assert.ok(rows.includes(row), row)
    assert.ok(styles.includes(style) && styles.includes(over), `${style} over ${over}`)
  }
})
