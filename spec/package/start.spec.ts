// What a consumer loads of Node until it ends. A start is mostly that, so each module is there for a reason.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

test('a consumer loads little more of Node than a bare reader of the same lines', async () => {
  const bare = new Set(await loadedBy('floor'))
  const ours = await loadedBy('records')
  assert.deepEqual(ours.filter((name) => !bare.has(name)).sort(), NEEDED)
})

// Of the benchmark's consumers.
async function loadedBy(consumer: string): Promise<string[]> {
  const file = join(import.meta.dirname, `../bench/consumers/${consumer}.js`)
  const running = promisify(execFile)(process.execPath, ['--import', TELL, file])
  running.child.stdin?.end(`${JSON.stringify(INITIALIZE)}\n`)
  const { stdout, stderr } = await running
  assert.match(stdout, /"responseFor":"initialize"/)
  // What is behind them differs from one version of Node to the next.
  return [...stderr.matchAll(/^NativeModule (?!internal)(.*)$/gm)].map(([, name = '']) => name)
}

const TELL = `data:text/javascript,process.on('exit', () => console.error(process.moduleLoadList.join('\\n')))`
const INITIALIZE = { action: 'initialize', shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON' }
const NEEDED = ['console', 'module', 'os']
