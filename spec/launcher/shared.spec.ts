// All shards of a worker in one process, with a stand-in for Java whose children have the pipes that Java's have.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../../lib/launcher/machine/processes.ts'
import type { Running } from '../helpers/command.ts'
import { alive, gone, launch, type Story } from '../helpers/launcher.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))
const HOST = fixture('host')

describe('run --shared', {
  concurrency: 4,
  timeout: 120_000,
  skip: process.platform !== 'linux' && 'there is no /proc',
}, () => {
  test('serves every shard by one process, and ends in peace at SIGTERM', async (t) => {
    const running = shared(t, { command: [process.execPath, HOST] })
    await bothAnswered(running)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.equal(stderr.match(/^begun$/gm)?.length, 1, 'one process')
    assert.match(stderr, /Stopped; every consumer was done/)
    assert.deepEqual(alive(stderr), [])
  })

  test('a program that exits at once ends the worker, in one sentence that names eachShard', async (t) => {
    const { code, stderr } = await shared(t, { command: [process.execPath, '-e', 'process.exitCode = 3'] })
      .ended
    assert.equal(code, 1)
    const errors = stderr.split('\n').filter((line) => line.includes(' ERROR '))
    assert.equal(errors.length, 1, stderr)
    assert.match(
      errors[0] ?? '',
      /The process that serves all shards ended \(exit code 3\), and with it every consumer\. It never called eachShard\(\)\./,
    )
    await gone(alive(stderr))
  })

  test('a program that never calls eachShard is told of once, and not taken for another library', async (t) => {
    const running = shared(t, { command: [process.execPath, fixture('never-shares')] })
    await running.seen(
      /WARN .*The program has not called eachShard\(\) for 10 s, and shardId-0+0, shardId-0+1 cannot begin\./,
    )
    running.child.kill('SIGTERM')
    const { stderr } = await running.ended
    assert.equal(stderr.match(/has not called eachShard/g)?.length, 1)
    assert.doesNotMatch(stderr, /unreported|another library/)
    await gone(alive(stderr))
  })

  test('--restart starts a new process with the new daemon', async (t) => {
    const running = shared(t, { command: [process.execPath, HOST], flags: ['--restart'] })
    await bothAnswered(running)
    const [, java] = await running.seen(/pid (\d+) worker/)
    process.kill(Number(java), 'SIGKILL')
    await running.seen(/Starting the daemon again in 1 s/)
    await bothAnswered(running, 2)
    assert.ok(!isAlive(Number(java)))
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.equal(stderr.match(/^begun$/gm)?.length, 2)
    await gone(alive(stderr))
  })
})

function shared(t: Parameters<typeof launch>[0], story: Story): Running {
  return launch(t, {
    ...story,
    flags: ['--shared', '--stop-timeout=5s', ...(story.flags ?? [])],
    env: { FAKE_PIPES: '1' },
  })
}

async function bothAnswered(running: Running, times = 1): Promise<void> {
  for (const shard of ['000000000000', '000000000001'])
    await running.seen(new RegExp(`(?:shardId-${shard} has answered[^]*){${times}}`))
}
