import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockFolder } from '../../../lib/daemon/lease/lock.ts'
import { UsageError } from '../../../lib/errors.ts'
import { temporaryFolder } from '../../helpers/command.ts'

test('gives a folder to one owner at a time', (t) => {
  const folder = temporaryFolder(t)
  const unlock = lockFolder(folder)
  assert.throws(
    () => lockFolder(folder),
    (error) => error instanceof UsageError && error.message.includes(`process ${process.pid}`),
  )
  unlock()
  lockFolder(folder)()
  assert.deepEqual(readdirSync(folder), [])
})

test('takes over from an owner whose process is gone', (t) => {
  const folder = temporaryFolder(t)
  // No system hands out numbers as large as this one.
  writeFileSync(join(folder, 'lock'), '1073741824 -')
  const unlock = lockFolder(folder)
  assert.match(readFileSync(join(folder, 'lock'), 'utf8'), new RegExp(`^${process.pid} `))
  unlock()
})

test('is not fooled by a young process with the number of the old owner', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'lock'), `${process.pid} another-boot/1`)
  if (process.platform === 'linux') lockFolder(folder)()
  else assert.throws(() => lockFolder(folder), UsageError)
})

test('leaves the lock of somebody else alone', (t) => {
  const folder = temporaryFolder(t)
  const unlock = lockFolder(folder)
  writeFileSync(join(folder, 'lock'), '1 -')
  unlock()
  assert.equal(readFileSync(join(folder, 'lock'), 'utf8'), '1 -')
})
