import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ordinals } from '../../../lib/daemon/stream/ordinals.ts'

test('keeps numbers with and without gaps, and forgets the last of them', () => {
  for (const [values, more] of [
    [
      [7, 8, 9, 10],
      [11, 12],
    ],
    [
      [7, 8, 9, 10],
      [20, 21],
    ],
    [[0, 5, 6, 9], [10]],
    [[], [3]],
  ] as const) {
    const ordinals = new Ordinals()
    for (const value of values) ordinals.push(value)
    assert.deepEqual(all(ordinals), values)
    ordinals.truncate(2)
    assert.deepEqual(all(ordinals), values.slice(0, 2))
    for (const value of more) ordinals.push(value)
    assert.deepEqual(all(ordinals), [...values.slice(0, 2), ...more])
    assert.throws(() => ordinals.at(ordinals.length), RangeError)
    ordinals.truncate(0)
    ordinals.push(100)
    ordinals.push(101)
    assert.deepEqual(all(ordinals), [100, 101])
  }
})

function all(ordinals: Ordinals): number[] {
  return Array.from({ length: ordinals.length }, (_, at) => ordinals.at(at))
}
