// What `run` asks before Java starts, on a local stack with leases that the real daemon left behind.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { start } from '../helpers/command.ts'
import { recordsOf, Stack, until, whyNot } from './stack.ts'

describe('before the real daemon starts', { skip: await whyNot(), timeout: 900_000 }, () => {
  let stack: Stack

  before(async () => {
    stack = await Stack.start()
  })
  after(() => stack.stop())

  test('the emulators listen on this machine alone', async (t) => {
    const { folder } = await stack.world(t, 'doors', 1)
    const ports = readFileSync(join(folder, 'app.properties'), 'latin1').matchAll(
      /Endpoint=http:\/\/localhost:(\d+)/g,
    )
    let doors = 0
    for (const [, port] of ports) {
      doors++
      assert.equal(await connected('127.0.0.1', Number(port)), true)
      // Another address of the same machine: whoever listens on every interface answers here, too.
      assert.equal(await connected('127.0.0.2', Number(port)), false)
    }
    assert.equal(doors, 2)
  })

  test('refuses a stream that is mistyped or another one, and leaves the leases as they are', {
    timeout: 300_000,
  }, async (t) => {
    const orders = await stack.world(t, 'orders', 2)
    await orders.put(recordsOf(['one', 'two', 'three'], (at) => `key ${at}`))
    const running = orders.run()
    await until('all were seen', running, () => orders.records().length === 3)
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).code, 0)
    const leases = await orders.leases()
    assert.ok(leases.some(({ checkpoint }) => /^\d+$/.test(checkpoint)))

    const mistyped = await orders.run({ flags: ['--stream-name=ordres'] }).ended
    assert.equal(mistyped.code, 2)
    assert.match(mistyped.stderr, /There is no stream ordres in us-east-1\. Did you mean orders\? /)

    // Of the same shape, but younger: no position of the older one lies in it.
    await stack.world(t, 'parcels', 2)
    await stack.world(t, 'letters', 3)
    for (const other of ['parcels', 'letters']) {
      const { code, stderr } = await orders.run({ flags: [`--stream-name=${other}`] }).ended
      assert.equal(code, 2, stderr)
      assert.match(stderr, new RegExp(`The lease table app-orders belongs to another stream than ${other}`))
      const check = ['check', '--online', `--config=${join(orders.folder, 'app.properties')}`, '--', 'node']
      const online = await start(t, [...check.toSpliced(2, 0, `--stream-name=${other}`)]).ended
      assert.equal(online.code, 2)
      assert.match(online.stdout, new RegExp(`error: The lease table .* than ${other}`))
    }
    assert.deepEqual(await orders.leases(), leases)

    await orders.put(recordsOf(['four'], () => 'a'))
    const again = orders.run()
    await until('the fourth was seen', again, () => orders.records().some(({ text }) => text === 'four'))
    again.child.kill('SIGTERM')
    const { stderr } = await again.ended
    assert.doesNotMatch(stderr, /looked at|lease table/)
    assert.equal(orders.records().length, 4)
  })
})

function connected(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 5000 })
    const answer = (yes: boolean) => () => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('connect', answer(true)).once('error', answer(false)).once('timeout', answer(false))
  })
}
