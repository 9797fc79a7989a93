// The tests of the page on testing, under the other runners that it names, with the one line changed that it speaks of; and
// jest's fake timers from the first line on.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { fetchedProgram, packedProject } from '../helpers/packed.ts'

const TESTS = readFileSync(new URL('../../../samples/testing/consumer.test.ts', import.meta.url), 'utf8')
const COMPILED = readFileSync(new URL('../../samples/testing/consumer.test.js', import.meta.url), 'utf8')
const UNDER_FAKE_TIMERS = `
import { expect, jest, test } from '@jest/globals'

jest.useFakeTimers()
const { everyRecords, KclSession } = await import('kcl-session')
const { TestDaemon } = await import('kcl-session/testing')

test('stores what it has written', async () => {
  const daemon = new TestDaemon()
  const session = new KclSession({ ...daemon.streams, logger: false, policy: everyRecords(2) })
  const done = session.forEach((record) => record.text())
  const [, second] = await daemon.deliver([{ json: { id: 1 } }, 'two', Buffer.from('three')])
  expect(daemon.checkpointed).toEqual(second)
  await daemon.endShard()
  await done
})
`

describe('a consumer’s tests', { timeout: 300_000 }, () => {
  test('run under jest, with its fake timers, too', async (t) => {
    const folder = await project(t)
    await writeFile(join(folder, 'consumer.test.js'), from('@jest/globals', COMPILED))
    await writeFile(join(folder, 'fake.test.js'), UNDER_FAKE_TIMERS)
    const jest = await fetchedProgram('jest', 'jest@30')
    const args = ['--no-watchman', '--cacheDirectory', join(folder, 'cache')]
    const { stderr } = await run(jest, args, folder, { NODE_OPTIONS: '--experimental-vm-modules' })
    assert.match(stderr, /^Tests: +7 passed, 7 total$/m, stderr)
  })

  test('run under vitest, in TypeScript as they are', async (t) => {
    const folder = await project(t)
    await writeFile(join(folder, 'consumer.test.ts'), from('vitest', TESTS))
    const vitest = await fetchedProgram('vitest', 'vitest@3')
    // What a test imports from there is the very one that runs it.
    await symlink(join(dirname(vitest), '../vitest'), join(folder, 'node_modules/vitest'))
    const { stdout, stderr } = await run(vitest, ['run'], folder, { NO_COLOR: '1' })
    assert.match(stdout, /^ +Tests +6 passed \(6\)$/m, stdout + stderr)
  })
})

async function project(t: TestContext): Promise<string> {
  const folder = await packedProject('module', ['tslog', '@js-temporal/polyfill', 'jsbi'])
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

function from(runner: string, tests: string): string {
  const other = tests.replace("from 'node:test'", `from '${runner}'`)
  assert.notEqual(other, tests)
  return other
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  more: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string }> {
  const { NODE_TEST_CONTEXT: _, ...own } = process.env
  const env = { ...own, CI: 'true', ...more }
  return promisify(execFile)(program, args, { cwd, env }).catch(
    (ended: { stdout: string; stderr: string }) => ended,
  )
}
