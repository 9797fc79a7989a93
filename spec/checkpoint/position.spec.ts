import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { comparePositions, formatPosition, isPosition, toPosition } from '../../lib/checkpoint/position.ts'

test('positions are ordered as numbers, whatever their length', () => {
  const ascending = [
    '0',
    '9',
    '10',
    '99',
    '100',
    '9007199254740993',
    '9007199254740994',
    `1${'0'.repeat(55)}`,
  ]
  for (const [index, sequenceNumber] of ascending.entries()) {
    for (const [other, second] of ascending.entries()) {
      assert.equal(Math.sign(comparePositions(at(sequenceNumber), at(second))), Math.sign(index - other))
    }
  }
})

test('the order agrees with big integers, leading zeros or not', () => {
  const digits = fc.stringMatching(/^\d{1,56}$/)
  fc.assert(
    fc.property(digits, digits, (a, b) => {
      const expected = BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
      assert.equal(Math.sign(comparePositions(at(a), at(b))), expected)
    }),
  )
})

test('inside one sequence number the sub-sequence decides, as a number', () => {
  assert.ok(comparePositions(at('5', 2), at('5', 10)) < 0)
  assert.ok(comparePositions(at('5', 10), at('6', 0)) < 0)
  assert.equal(comparePositions(at('5', 1), at('5', 1)), 0)
  assert.ok(comparePositions(at('6', 0), at('5', 99)) > 0)
})

test('a position is a string of digits with a whole sub-sequence', () => {
  assert.ok(isPosition(at('49', 3)))
  assert.ok(isPosition({ ...at('49'), data: 'more' }))
  const odd = [
    null,
    undefined,
    '49',
    49,
    {},
    { sequenceNumber: '49' },
    { sequenceNumber: 49, subSequenceNumber: 0 },
    { sequenceNumber: 'LATEST', subSequenceNumber: 0 },
    { sequenceNumber: '49', subSequenceNumber: '0' },
    { sequenceNumber: '49', subSequenceNumber: 0.5 },
    { sequenceNumber: '49', subSequenceNumber: Number.NaN },
  ]
  for (const value of odd) assert.ok(!isPosition(value), JSON.stringify(value))
})

test('a copy of a position holds nothing else', () => {
  const record = { ...at('49', 3), data: Buffer.alloc(10) }
  assert.deepEqual(toPosition(record), at('49', 3))
})

test('a text shows the sub-sequence where there is one', () => {
  assert.equal(formatPosition(at('49')), '49')
  assert.equal(formatPosition(at('49', 3)), '49/3')
})

function at(sequenceNumber: string, subSequenceNumber = 0) {
  return { sequenceNumber, subSequenceNumber }
}
