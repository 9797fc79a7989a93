// The README's recipe for jest, with jest itself: ES modules, and fake timers from the first line on.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { fetchedProgram, packedProject } from '../helpers/packed.ts'

const TEST = `
import { expect, jest, test } from '@jest/globals'

jest.useFakeTimers()
const { everyRecords, KclSession } = await import('kcl-session')
const { TestDaemon, testRecord } = await import('kcl-session/testing')

test('stores what it has written', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger: false, policy: everyRecords(2) })
  const done = session.forEach((record) => record.text())
  const [, second] = await daemon.deliver([{ json: { id: 1 } }, 'two', Buffer.from('three')])
  expect(daemon.checkpointed).toEqual(second)
  await daemon.endShard()
  await done
})

test('handles a record', () => {
  expect(testRecord({ json: { id: 1 } }).json()).toEqual({ id: 1 })
})
`

test('jest runs a consumer’s tests as the README says, under fake timers, too', {
  timeout: 300_000,
}, async (t) => {
  const folder = await packedProject('module', ['tslog', '@js-temporal/polyfill', 'jsbi'])
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'consumer.test.js'), TEST)
  const jest = await fetchedProgram('jest', 'jest@30')
  const env = { ...process.env, NODE_OPTIONS: '--experimental-vm-modules', CI: 'true' }
  const args = ['--no-watchman', '--cacheDirectory', join(folder, 'cache')]
  const { stderr } = await promisify(execFile)(jest, args, { cwd: folder, env }).catch(
    (error: { stderr: string }) => error,
  )
  assert.match(stderr, /^Tests: +2 passed, 2 total$/m)
})
