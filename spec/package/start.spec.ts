// What a consumer loads of Node until it ends. A start is mostly that, so each module is there for a reason.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { UsageError } from 'kcl-session'
import { TestDaemon } from 'kcl-session/testing'

test('a consumer loads little more of Node than a bare reader of the same lines', async () => {
  const bare = new Set(await loadedBy('floor'))
  const ours = await loadedBy('records')
  assert.deepEqual(ours.filter((name) => !bare.has(name)).sort(), NEEDED)
})

test('the library is one file, and that for tests another one, with the same classes of errors', async () => {
  const ours = /^(?:import|export)\b[^'"]*['"](\..*)['"]/gm
  const importsOf = (name: string): Set<string | undefined> =>
    new Set([...readFileSync(join(BUNDLE, name), 'utf8').matchAll(ours)].map(([, file]) => file))
  assert.deepEqual(importsOf('index.js'), new Set())
  assert.deepEqual(importsOf('testing.js'), new Set(['./index.js']))
  assert.throws(() => new TestDaemon({ odd: 1 } as never), UsageError)
})

test('a Node that is too old is told so', async () => {
  const older = 'data:text/javascript,process.getBuiltinModule = undefined'
  const importing = promisify(execFile)(process.execPath, ['--import', older, join(BUNDLE, 'index.js')])
  await assert.rejects(importing, /kcl-session needs Node 20\.16, 22\.3 or newer; this is v/)
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

const BUNDLE = join(import.meta.dirname, '../../bundle')
const TELL = `data:text/javascript,process.on('exit', () => console.error(process.moduleLoadList.join('\\n')))`
const INITIALIZE = { action: 'initialize', shardId: 'shardId-0', sequenceNumber: 'TRIM_HORIZON' }
const NEEDED = ['console']
