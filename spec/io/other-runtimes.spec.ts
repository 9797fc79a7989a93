// Bun and Deno run a consumer as Node does: a smoke spec on the real programs, which npm fetches once.

import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { run } from '../helpers/command.ts'
import { fetchedProgram } from '../helpers/packed.ts'
import { runChild } from './child.ts'

const ROOT = new URL('../../../', import.meta.url)
const path = (file: string): string => fileURLToPath(new URL(file, ROOT))

for (const [name, version, args] of [
  ['bun', '1', ['run']],
  ['deno', '2', ['run', '-A']],
] as const) {
  describe(`under ${name}`, { timeout: 300_000 }, () => {
    let program = ''
    before(async () => {
      program = await fetchedProgram(name, `${name}@${version}`)
    })

    it('the first consumer of the README prints to stderr, and every record is stored', async (t) => {
      const input = ['--input', path('samples/data/earthquakes.ndjson'), '--key', 'id', '--shards', '2']
      const consumer = [program, ...args, path('dist/samples/print/consumer.js')]
      const { code, stdout, stderr } = await run(t, ['dev', ...input, '--', ...consumer])
      assert.match(stdout + stderr, /1,707 of 1,707 records acknowledged and checkpointed over 2 shards/)
      assert.doesNotMatch(stdout + stderr, /expected/)
      assert.equal(code, 0)
    })

    it('nothing that the console prints reaches the protocol', async (t) => {
      const { stdout, stderr, code } = await runChild(t, 'console', { runtime: [program, ...args] })
      assert.deepEqual([stdout, code], ['{"said":1}\n', 0])
      assert.match(stderr, /^label\nlabel\nlabel\n[\s\S]*written\n$/)
    })

    it('descriptors 3 and 4 are refused in one sentence that says what to do', async (t) => {
      const { stderr, code } = await runChild(t, 'open', { runtime: [program, ...args], descriptors: true })
      assert.match(stderr, /^KCL_USAGE: .*only Node can open\. For Bun and Deno use .*--protocol=stdio\.\n$/)
      assert.equal(code, 0)
    })
  })
}
