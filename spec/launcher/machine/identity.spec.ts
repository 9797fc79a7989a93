import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import {
  firstWorkerIdentifier,
  type Identity,
  type IdentityRequest,
  takeIdentity,
} from '../../../lib/launcher/machine/identity.ts'

const LINUX = { skip: process.platform !== 'linux' && 'names are stable on Linux only' }

function take(application: string, more: Partial<IdentityRequest> = {}): Promise<Identity> {
  return takeIdentity({ application, stream: 'words', explicit: undefined, note: () => {}, ...more })
}

test('gives the first worker of an application a stable name, and the next one another', LINUX, async () => {
  const application = `spec-${process.pid}`
  const first = await take(application)
  assert.equal(first.workerIdentifier, firstWorkerIdentifier())
  const second = await take(application)
  assert.match(second.workerIdentifier, /-1$/)
  first.release()
  const again = await take(application)
  assert.equal(again.workerIdentifier, first.workerIdentifier)
  const other = await take(`${application}-other`)
  assert.equal(other.workerIdentifier, first.workerIdentifier)
  for (const identity of [second, again, other]) identity.release()
})

test('lets an explicit name win, but only once at a time', LINUX, async () => {
  const application = `spec-explicit-${process.pid}`
  const one = await take(application, { explicit: 'w1' })
  assert.equal(one.workerIdentifier, 'w1')
  await assert.rejects(take(application, { explicit: 'w1' }), {
    code: 'KCL_USAGE',
    message: /fight over every lease/,
  })
  one.release()
  const two = await take(application, { explicit: 'w1' })
  two.release()
})

test('tells long names apart that differ in any one letter', LINUX, async () => {
  const application = `spec-long-${process.pid}`
  const names = ['a', 'b'].flatMap((letter) => [letter + 'x'.repeat(95), 'x'.repeat(95) + letter])
  const held = await Promise.all(names.map((explicit) => take(application, { explicit })))
  assert.deepEqual(
    held.map(({ workerIdentifier }) => workerIdentifier),
    names,
  )
  for (const identity of held) identity.release()
})

test('refuses a second stream under one application, whatever the worker is called', LINUX, async () => {
  const application = `spec-streams-${process.pid}`
  const one = await take(application, { explicit: 'w1' })
  await assert.rejects(take(application, { stream: 'other' }), {
    code: 'KCL_USAGE',
    message: /reads the stream words on this machine now.*leases of other as well/,
  })
  one.release()
  const two = await take(application, { stream: 'other' })
  two.release()
})

test('waits for a daemon that has outlived its launcher, and says for what', LINUX, async (t) => {
  const application = `spec-orphan-${process.pid}`
  const first = await take(application)
  assert.ok(first.descriptor !== undefined)
  const daemon = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', 'ignore', first.descriptor] })
  t.after(() => daemon.kill('SIGKILL'))
  // What a kill -9 does to the launcher's own descriptors.
  first.release()
  let told = ''
  const second = await take(application, {
    note: (text) => {
      told = text
      daemon.stdin?.end()
    },
  })
  assert.equal(second.workerIdentifier, first.workerIdentifier)
  assert.match(told, /was killed, and its daemon is still ending/)
  second.release()
})
