import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstWorkerIdentifier, takeIdentity } from '../../../lib/launcher/machine/identity.ts'

const LINUX = { skip: process.platform !== 'linux' && 'names are stable on Linux only' }

test('gives the first worker of an application a stable name, and the next one another', LINUX, async () => {
  const application = `spec-${process.pid}`
  const first = await takeIdentity(application, undefined)
  assert.equal(first.workerIdentifier, firstWorkerIdentifier())
  const second = await takeIdentity(application, undefined)
  assert.match(second.workerIdentifier, /-1$/)
  first.slot?.release()
  const again = await takeIdentity(application, undefined)
  assert.equal(again.workerIdentifier, first.workerIdentifier)
  const other = await takeIdentity(`${application}-other`, undefined)
  assert.equal(other.workerIdentifier, first.workerIdentifier)
  for (const { slot } of [second, again, other]) slot?.release()
})

test('lets an explicit name win, but only once at a time', LINUX, async () => {
  const application = `spec-explicit-${process.pid}`
  const one = await takeIdentity(application, 'w1')
  assert.equal(one.workerIdentifier, 'w1')
  await assert.rejects(takeIdentity(application, 'w1'), {
    code: 'KCL_USAGE',
    message: /fight over every lease/,
  })
  one.slot?.release()
  const two = await takeIdentity(application, 'w1')
  two.slot?.release()
})
