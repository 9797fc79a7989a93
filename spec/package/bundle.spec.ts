// A consumer as one file, as bundlers make it, in a folder with nothing else: all of it works.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { run, temporaryFolder } from '../helpers/command.ts'
import { fetchedProgram, packedProject } from '../helpers/packed.ts'

const CONSUMER = `
import { everyInterval, KclSession } from 'kcl-session'

const session = new KclSession({ policy: everyInterval('PT1M') })
const done = session.forEach((record) => {
  console.log('took', record.text(), String(record.arrivedAt))
  return true
})
done.catch(() => {
  process.exitCode = 1
})
`

describe('a consumer in one file', { timeout: 120_000 }, () => {
  let project = ''
  let esbuild = ''
  before(async () => {
    project = await packedProject('module', ['tslog', '@js-temporal/polyfill', 'jsbi'])
    esbuild = await fetchedProgram('esbuild', 'esbuild@0.28')
    await writeFile(join(project, 'consumer.ts'), CONSUMER)
  })
  after(() => rm(project, { recursive: true }))

  const bundle = async (format: string, outfile: string, ...flags: string[]): Promise<void> => {
    const args = ['consumer.ts', '--bundle', '--platform=node', `--format=${format}`, `--outfile=${outfile}`]
    const { stderr } = await promisify(execFile)(esbuild, [...args, ...flags], { cwd: project })
    assert.doesNotMatch(stderr, /warning/i)
  }

  for (const [format, extension] of [
    ['esm', 'mjs'],
    ['cjs', 'cjs'],
  ] as const) {
    it(`reads durations and times, and logs: esbuild, ${format}`, async (t) => {
      const folder = temporaryFolder(t)
      const file = join(folder, `consumer.${extension}`)
      await bundle(format, file)
      const input = join(folder, 'events.ndjson')
      await writeFile(input, '{"id":1}\n{"id":2}\n')
      const dev = ['dev', '--input', input, '--shards', '1']
      const { stdout, stderr, code } = await run(t, [...dev, '--', process.execPath, file])
      assert.match(stdout + stderr, /^took \{"id":1\} \d{4}-\d\d-\d\dT.*Z$/m)
      assert.match(stdout + stderr, /2 of 2 records acknowledged and checkpointed/)
      assert.match(stderr, /"level":"info","message":"Stored the end of the shard"/)
      assert.equal(code, 0)
    })
  }

  it('that leaves the polyfill out is told so, and not that PT1M is no duration', async (t) => {
    const file = join(temporaryFolder(t), 'consumer.cjs')
    await bundle('cjs', file, '--external:@js-temporal/polyfill')
    const running = promisify(execFile)(process.execPath, [file], { cwd: project })
    running.child.stdin?.end()
    const { stderr } = await running.catch((error: { stderr: string }) => error)
    assert.doesNotMatch(stderr, /is not a duration/)
    // Newer versions of Node have Temporal, and need none.
    if (!('Temporal' in globalThis)) assert.match(stderr, /Cannot find module '@js-temporal\/polyfill'/)
  })
})
