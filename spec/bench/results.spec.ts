import assert from 'node:assert/strict'
import { test } from 'node:test'
import { throughput } from './results.ts'
import { measure, type Sample } from './rounds.ts'
import { FLOOR, type Style } from './styles.ts'

const OURS: Style = { name: 'ours', command: [] }

test('what the machine did beside some of the turns is no matter of a style', () => {
  const row = throughput(
    new Map([
      [FLOOR, rounds([2, 2, 2, 90], [2, 2, 2, 2])],
      [OURS, rounds([4, 4, 4, 4], [4, 70, 4, 80])],
    ]),
  )
  assert.deepEqual(row.floor, { wall: 4, processor: 2, peak: 50, ratio: 1, wallRatio: 1 })
  assert.deepEqual(row.ours, { wall: 8, processor: 4, peak: 50, ratio: 0.5, wallRatio: 0.5 })
})

test('where the machine tells no processor time, wall time stands for it', () => {
  const sample: Sample = { turns: [{ wall: 3, processor: null }], peak: null }
  const { ours } = throughput(
    new Map([
      [FLOOR, [sample]],
      [OURS, [sample]],
    ]),
  )
  assert.deepEqual(ours, { wall: 3, processor: null, peak: null, ratio: 1, wallRatio: 1 })
})

test('every style has as many turns in each round, with a batch at the least', async () => {
  const effort = { warmUp: 1, measure: 120, rounds: 2, starts: 1 }
  const samples = await measure([FLOOR], { name: 'a large one', records: 10, bytes: 1_000_000 }, effort)
  assert.deepEqual(
    samples.get(FLOOR)?.map(({ turns }) => turns.length),
    [2, 2],
  )
  assert.ok(samples.get(FLOOR)?.every(({ turns }) => turns.every(({ wall }) => wall > 0)))
})

function rounds(...times: readonly (readonly number[])[]): Sample[] {
  return times.map((turns) => ({
    turns: turns.map((processor) => ({ wall: 2 * processor, processor })),
    peak: 50,
  }))
}
