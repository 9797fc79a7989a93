import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UsageError } from '../../lib/errors.ts'
import { makeFolder } from '../../lib/io/folder.ts'

test('makes a folder and those it stands in, and takes one that is there', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'kcl-session-folder-'))
  t.after(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'a', 'b', 'c')
  makeFolder(folder)
  makeFolder(folder)
  assert.ok(statSync(folder).isDirectory())
  writeFileSync(join(root, 'file'), '')
  assert.throws(() => makeFolder(join(root, 'file', 'inner')), { code: 'ENOTDIR' })
})

// With mkdir's own `recursive` this never returns on Node 20.
test('says where no folder can be made', { skip: !existsSync('/proc/self') && 'there is no /proc' }, () => {
  for (const folder of ['/proc/nope', '/proc/nope/inner']) {
    assert.throws(
      () => makeFolder(folder),
      (error) => error instanceof UsageError && /^\/proc\/nope cannot be made: /.test(error.message),
    )
  }
})
