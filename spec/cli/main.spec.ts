import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../helpers/command.ts'

test('lists its commands', async (t) => {
  for (const args of [['--help'], ['help']]) {
    const { code, stdout } = await run(t, args)
    assert.match(stdout, /^Usage: kcl-session COMMAND/)
    assert.match(stdout, /\n {2}dev +/)
    assert.equal(code, 0)
  }
  assert.equal((await run(t, [])).code, 2)
})

test('tells its version', async (t) => {
  assert.match((await run(t, ['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('suggests the command that was meant', async (t) => {
  const { code, stderr } = await run(t, ['devv'])
  assert.match(stderr, /There is no command "devv"\. Did you mean "dev"\?/)
  assert.equal(code, 2)
  assert.match((await run(t, ['constructor'])).stderr, /There is no command "constructor"/)
})

test('explains the options of a command', async (t) => {
  const { code, stdout } = await run(t, ['dev', '--help'])
  assert.match(stdout, /--input <file>/)
  assert.equal(code, 0)
})
