import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChildWire } from '../helpers/child-wire.ts'
import { records, SHARD, status } from '../helpers/wire.ts'

const initialize = {
  action: 'initialize',
  shardId: SHARD,
  sequenceNumber: 'TRIM_HORIZON',
  subSequenceNumber: 0,
}
const deliver = (count: number) => ({
  action: 'processRecords',
  records: records(count),
  millisBehindLatest: 0,
})

test('process.exit() in a body is told, and fails the process', async (t) => {
  const wire = new ChildWire(t, 'exits')
  wire.say(initialize)
  await wire.said()
  wire.say(deliver(3))
  assert.deepEqual(await wire.exited, { code: 1, signal: null })
  assert.match(
    wire.stderr,
    /shardId-000000000000: a batch was left unacknowledged; its records from 1 on will be delivered again\. The process ends in the middle of it/,
  )
})

test('a program that never loops is told of', async (t) => {
  const wire = new ChildWire(t, 'never-loops')
  wire.say(initialize)
  await wire.exited
  assert.match(wire.stderr, /no loop over session\.batches\(\) was ever started/)
})

test('an input that ends before the daemon says anything names the way to try a consumer', async (t) => {
  const wire = new ChildWire(t, 'stores-each')
  wire.end()
  assert.deepEqual(await wire.exited, { code: 0, signal: null })
  assert.match(wire.stderr, /the input ended before a daemon said anything.*kcl-session dev --input/)
})

test('records that are piped in by mistake name the way to try a consumer on them', async (t) => {
  const wire = new ChildWire(t, 'stores-each')
  wire.say({ id: 1, name: 'not an action' })
  assert.deepEqual(await wire.exited, { code: 1, signal: null })
  assert.match(wire.stderr, /If these are records of your own, .*kcl-session dev --input/)
})

test('an exit code that the user has set is not taken back', async (t) => {
  const wire = new ChildWire(t, 'sets-exit-code')
  wire.say(initialize)
  await wire.said()
  wire.say(deliver(1))
  assert.deepEqual(await wire.said(), status('processRecords'))
  wire.end()
  assert.deepEqual(await wire.exited, { code: 1, signal: null })
})

test('a retry loop that waits for nothing sees timers and the end of the input, and one notice tells of its batch', async (t) => {
  const wire = new ChildWire(t, 'never-waits')
  wire.say(initialize)
  await wire.said()
  wire.say(deliver(1))
  await wire.printed('the timer fired')
  wire.end()
  assert.equal((await wire.exited).signal, null)
  assert.match(wire.stderr, /gave up after several attempts/)
  assert.equal(wire.stderr.match(/Unless batches\(\) is called again/g)?.length, 1)
})

for (const protocol of ['stdio', 'fds'] as const) {
  test(`an abandoned session keeps no process alive on ${protocol}`, async (t) => {
    const wire = new ChildWire(t, 'abandons', protocol)
    wire.say(initialize)
    await wire.said()
    wire.say(deliver(1))
    assert.deepEqual(await wire.exited, { code: 1, signal: null })
    assert.match(wire.stderr, /the user's own timer fired\n$/)
  })
}
