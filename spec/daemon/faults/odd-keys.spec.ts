import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oddKeys } from '../../../lib/daemon/faults/odd-keys.ts'
import type { KeyOf } from '../../../lib/daemon/stream/record-line.ts'

test('makes keys odd, and keeps equal keys equal and different keys different', () => {
  const odd = (key: string): string => oddKeys(AS_THEY_ARE).of(Buffer.from(key))
  const keys = Array.from({ length: 1000 }, (_, at) => odd(`key ${at}`))
  assert.equal(new Set(keys).size, 1000)
  assert.equal(odd('key 3'), keys[3])
  assert.ok(keys.some((key) => key.includes('\u2028')) && keys.some((key) => key.includes('😀')))
  assert.ok(keys.every((key) => [...key].length <= 256))
  const long = 'k'.repeat(256)
  assert.equal(odd(long), long)
})

const AS_THEY_ARE: KeyOf = { check: (line) => line.toString(), of: (line) => line.toString() }
