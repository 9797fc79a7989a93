// Whoever comes second to a stream is told, whichever copy of the package it belongs to.

import assert from 'node:assert/strict'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as library from '../../lib/index.ts'
import { claim } from '../../lib/io/claim.ts'
import { runChild } from './child.ts'

describe('claim', () => {
  it('takes all or nothing, and gives back what it took', () => {
    const [one, two, three] = [new PassThrough(), new PassThrough(), new PassThrough()]
    const before = Reflect.ownKeys(one)
    const giveBack = claim([one, two])
    assert.throws(() => claim([three, two]), {
      code: 'KCL_USAGE',
      message: /another session speaks on these/,
    })
    claim([three])
    giveBack()
    assert.deepEqual(Reflect.ownKeys(one), before)
    const again = claim([one, two])
    giveBack()
    assert.throws(() => claim([one]), library.UsageError, 'what was given back twice is still the next one’s')
    again()
  })
})

describe('two copies of the package', () => {
  it('do not answer every action twice: the second is told, until the first is closed', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'kcl-session-copy-'))
    t.after(() => rm(folder, { recursive: true }))
    await cp(fileURLToPath(new URL('../../lib', import.meta.url)), folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    const copy = (await import(pathToFileURL(join(folder, 'index.js')).href)) as typeof library
    const streams = { input: new PassThrough(), output: new PassThrough(), logger: false } as const
    const first = new library.KclSession(streams)
    assert.throws(() => new copy.KclSession(streams), {
      code: 'KCL_USAGE',
      message: /another copy of kcl-session.*npm ls kcl-session/,
    })
    await first.close()
    await new copy.KclSession(streams).close()
  })
})

describe('cluster workers', () => {
  it('do not share a stdin: each is told to leave it to the primary', async (t) => {
    const { stderr } = await runChild(t, 'open', { args: ['cluster'] })
    assert.match(stderr, /^KCL_USAGE: .*cluster worker.*Start the session in the primary process/)
  })
})
