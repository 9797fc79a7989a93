// Where the real daemon begins: with leases that it makes itself, so each test waits for the half minute that it leaves
// other workers to make them.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { recordsOf, Stack, until, whyNot } from './stack.ts'

const reason = await whyNot()
const LIMIT = 240_000

describe('where the real daemon begins', { skip: reason, concurrency: 2, timeout: 600_000 }, () => {
  let stack: Stack

  before(async () => {
    stack = await Stack.start()
  })
  after(() => stack.stop())

  test('with LATEST and nothing stored, a daemon that is started again goes on from the start of the launcher', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'latest', 1)
    await world.forgetLeases()
    await world.put(recordsOf(['before the start'], () => 'a'))
    await nextSecond()
    const running = world.run({ flags: ['--restart', '--initial-position-in-stream=LATEST'] })
    const begun = () => world.notes().filter(({ at }) => at === 'initialize')
    await until('a consumer had begun', running, () => begun().length === 1)
    process.kill(begun()[0]?.pid ?? 0, 'SIGKILL')
    await world.put(recordsOf(['while nobody was there'], () => 'a'))
    await until('the record was seen', running, () => world.records().length > 0)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.deepEqual(
      world.records().map(({ text }) => text),
      ['while nobody was there'],
    )
    assert.deepEqual(
      begun().map(({ sequenceNumber }) => sequenceNumber),
      ['AT_TIMESTAMP', 'AT_TIMESTAMP'],
    )
  })

  test('after a reset to a time, with the first records of that second; and while a worker is there, no reset', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'reset', 1)
    await world.put(recordsOf(['early'], () => 'a'))
    await nextSecond()
    await world.put(recordsOf(['late 1', 'late 2'], () => 'a'))
    const first = world.run()
    await until('all were seen', first, () => world.records().length === 3)
    const late = world.records().find(({ text }) => text === 'late 1')
    const to = `--to=${new Date(late?.arrivedAt ?? 0).toISOString()}`
    const refused = await world.reset([to, '--execute']).ended
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /A worker is at work on app-reset/)
    first.child.kill('SIGTERM')
    assert.equal((await first.ended).code, 0)
    await world.forgetWorkers()
    const done = await world.reset([to, '--execute']).ended
    const [, flag] = /run --config=\S+ (--\S+) -- /.exec(done.stdout) ?? []
    assert.match(flag ?? done.stderr, /^--initial-position-in-stream-extended=\d+$/)
    const second = world.run({ flags: [flag ?? ''] })
    await until('the late ones were seen again', second, () => world.records().length >= 5)
    second.child.kill('SIGTERM')
    assert.equal((await second.ended).code, 0)
    assert.deepEqual(
      world.records().map(({ text }) => text),
      ['early', 'late 1', 'late 2', 'late 1', 'late 2'],
    )
  })
})

// Positions in time are whole seconds.
async function nextSecond(): Promise<void> {
  const second = (): number => Math.floor(Date.now() / 1000)
  for (const begun = second(); second() === begun; ) await new Promise((resolve) => setTimeout(resolve, 50))
}
