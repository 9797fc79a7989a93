import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HalfLine } from '../../lib/io/half-line.ts'

const MIB = 1024 * 1024

test('keeps its memory for the next line, but not where many have grown', () => {
  const half = new HalfLine()
  assert.equal(memoryOfALine(half), memoryOfALine(half), 'one reader of large lines keeps what they need')
  const others = Array.from({ length: 10 }, () => new HalfLine())
  for (const other of others) other.add(Buffer.alloc(8 * MIB))
  assert.notEqual(memoryOfALine(half), memoryOfALine(half))
  for (const other of others) assert.equal(other.end().length, 8 * MIB)
  assert.equal(memoryOfALine(half), memoryOfALine(half), 'what the others held was counted out')
})

function memoryOfALine(half: HalfLine): ArrayBufferLike {
  half.add(Buffer.alloc(MIB))
  half.add(Buffer.alloc(MIB))
  const line = half.take()
  assert.equal(line.length, 2 * MIB)
  return line.buffer
}
