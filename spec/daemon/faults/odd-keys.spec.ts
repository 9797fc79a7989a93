import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oddKeys } from '../../../lib/daemon/faults/odd-keys.ts'

test('makes keys odd, and keeps equal keys equal and different keys different', () => {
  const odd = oddKeys((line) => line.toString())
  const keys = Array.from({ length: 1000 }, (_, at) => odd(Buffer.from(`key ${at}`), ''))
  assert.equal(new Set(keys).size, 1000)
  assert.equal(odd(Buffer.from('key 3'), ''), keys[3])
  assert.ok(keys.some((key) => key.includes('\u2028')) && keys.some((key) => key.includes('😀')))
  assert.ok(keys.every((key) => [...key].length <= 256))
  const long = 'k'.repeat(256)
  assert.equal(odd(Buffer.from(long), ''), long)
})
