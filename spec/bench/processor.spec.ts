import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { onOneProcessor } from './processor.ts'

const none = spawnSync('taskset', ['-V']).status !== 0

test('work is done on one processor with all that it starts, and what comes after on those of before', {
  skip: none && 'there is no taskset',
}, async () => {
  const before = processorsOfChild()
  const within = await onOneProcessor(async () => processorsOfChild())
  assert.match(within, /^\d+$/)
  await assert.rejects(onOneProcessor(() => Promise.reject(new Error('no'))))
  assert.equal(processorsOfChild(), before)
})

function processorsOfChild(): string {
  const { stdout } = spawnSync('sh', ['-c', 'exec taskset -cp $$'], { encoding: 'utf8' })
  return stdout.split(': ')[1]?.trim() ?? ''
}
