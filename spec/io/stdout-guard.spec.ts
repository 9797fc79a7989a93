// What a consumer prints goes to stderr, and nothing else changes for whoever prints.

import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { guardStdout } from '../../lib/io/stdout-guard.ts'
import { runChild, startChild } from './child.ts'

const limit = { timeout: 60_000 }

describe('guardStdout', limit, () => {
  it('sends console output and writes to stderr, and leaves stdout to the protocol', async (t) => {
    const { stdout, stderr, code } = await runChild(t, 'printing')
    assert.deepEqual([stdout, code], ['{"first":1}\n{"second":2}\n', 0])
    const inOrder =
      /^log\ninfo\n[\s\S]*│ +1 +│[\s\S]*\nbytes\nend\n\{.*"message":"logged","shardId":"shardId-0"\}\n$/
    assert.match(stderr, inOrder)
  })

  it('does no harm where the protocol is not on stdout', async (t) => {
    const { stdout, stderr } = await runChild(t, 'printing', { descriptors: true })
    assert.equal(stdout, '{"first":1}\n{"second":2}\n')
    assert.match(stderr, /^log\ninfo\n/)
  })

  it('goes on when nobody reads stderr any more', async (t) => {
    const { child, ended } = startChild(t, 'closed-stderr')
    child.stderr.destroy()
    child.stdin.end('go\n')
    const { stdout, code } = await ended
    assert.deepEqual([stdout, code], ['done\n', 0])
  })

  it('passes encodings and callbacks on and answers as stderr does', async (t) => {
    const { stdout, stderr, text } = standIns(t)
    const guard = guardStdout()
    t.after(guard.release)
    await new Promise<void>((resolve) =>
      assert.equal(
        stdout.write('one ', () => resolve()),
        true,
      ),
    )
    await new Promise<void>((resolve) => stdout.write('dHdvIA==', 'base64', () => resolve()))
    await new Promise<void>((resolve) => stdout.end('three ', 'utf8', () => resolve()))
    await new Promise<void>((resolve) => stdout.end(() => resolve()))
    assert.equal(stdout.writableEnded, false)
    assert.deepEqual(text(), { stdout: '', stderr: 'one two three ' })

    let drained = false
    stdout.once('drain', () => {
      drained = true
    })
    assert.equal(stdout.write('x'.repeat(stderr.writableHighWaterMark)), false)
    text()
    await new Promise(setImmediate)
    assert.equal(drained, true)
    assert.throws(() => stdout.write(7 as unknown as string), TypeError)
  })

  it('puts stdout back exactly as it was when the last of several guards is released', (t) => {
    const { stdout, text } = standIns(t)
    const before = Object.getOwnPropertyDescriptors(stdout)
    const [first, second] = [guardStdout(), guardStdout()]
    first.release()
    first.release()
    stdout.write('guarded')
    assert.deepEqual(text(), { stdout: '', stderr: 'guarded' })
    second.release()
    assert.deepEqual(Object.getOwnPropertyDescriptors(stdout), before)
    stdout.write('free')
    assert.deepEqual(text(), { stdout: 'free', stderr: '' })
  })

  it('puts back the patch of somebody who came before', (t) => {
    const { stdout, text } = standIns(t)
    const theirs = (chunk: string): boolean =>
      Reflect.apply(PassThrough.prototype.write, stdout, [`[${chunk}]`])
    stdout.write = theirs as typeof stdout.write
    const guard = guardStdout()
    stdout.write('guarded')
    guard.release()
    assert.equal(stdout.write, theirs)
    stdout.write('free')
    assert.deepEqual(text(), { stdout: '[free]', stderr: 'guarded' })
  })

  it('leaves the patch of somebody who came after, and can guard again on top of it', (t) => {
    const { stdout, text } = standIns(t)
    const guard = guardStdout()
    const ours = stdout.write
    const theirs = (chunk: string): boolean => Reflect.apply(ours, stdout, [`[${chunk}]`])
    stdout.write = theirs as typeof stdout.write
    stdout.write('guarded')
    guard.release()
    assert.equal(stdout.write, theirs)
    stdout.write('free')
    assert.deepEqual(text(), { stdout: '[free]', stderr: '[guarded]' })

    const again = guardStdout()
    stdout.write('guarded')
    again.release()
    assert.equal(stdout.write, theirs)
    stdout.write('free')
    assert.deepEqual(text(), { stdout: '[free]', stderr: 'guarded' })
  })
})

// The test runner reports on the real stdout.
function standIns(t: TestContext): {
  stdout: PassThrough
  stderr: PassThrough
  text(): { stdout: string; stderr: string }
} {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  for (const [name, value] of Object.entries({ stdout, stderr })) {
    const before = Object.getOwnPropertyDescriptor(process, name)
    Object.defineProperty(process, name, { value, configurable: true })
    t.after(() => before && Object.defineProperty(process, name, before))
  }
  // In newer versions of Node `read()` gives one piece at a time.
  const read = (stream: PassThrough): string => {
    let text = ''
    for (let piece = stream.read(); piece !== null; piece = stream.read()) text += piece
    return text
  }
  return { stdout, stderr, text: () => ({ stdout: read(stdout), stderr: read(stderr) }) }
}
