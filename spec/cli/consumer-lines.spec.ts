import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConsumerLines } from '../../lib/cli/consumer-lines.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

test('keeps together what a consumer writes in one go, with its shard in front of each line', () => {
  const { lines, printed, clock } = setup()
  lines.add('shardId-1', 'Error: one', false)
  lines.add('shardId-2', 'Error: two', false)
  lines.add('shardId-1', '    at one', false)
  lines.add('shardId-2', '    at two', false)
  assert.deepEqual(printed, [])
  clock.advance(30)
  assert.deepEqual(printed, [
    ['shardId-1 | Error: one', 'shardId-1 |     at one'],
    ['shardId-2 | Error: two', 'shardId-2 |     at two'],
  ])
})

test('leaves a line alone that names its shard, and every line where there is but one shard', () => {
  const { lines, printed, clock } = setup()
  lines.add('shardId-1', '{"shardId":"shardId-1","msg":"hello"}', false)
  clock.advance(30)
  lines.add('shardId-1', 'hello', true)
  assert.deepEqual(printed, [['{"shardId":"shardId-1","msg":"hello"}'], ['hello']])
})

test('does not wait for the end of a consumer that never is quiet', () => {
  const { lines, printed, clock } = setup()
  for (let at = 0; at < 40; at += 1) {
    lines.add('shardId-1', `line ${at}`, false)
    clock.advance(10)
  }
  assert.ok(printed.length > 0 && printed.length < 4, `${printed.length}`)
  for (let at = 0; at < 600; at += 1) lines.add('shardId-2', `line ${at}`, false)
  assert.equal(printed.at(-1)?.length, 500)
})

test('hands on at once what is asked for, and sets no timer where nothing is held', () => {
  const { lines, printed, clock } = setup()
  lines.add('shardId-1', 'one', false)
  lines.add('shardId-2', 'two', false)
  lines.flush('shardId-2')
  assert.deepEqual(printed, [['shardId-2 | two']])
  lines.flush()
  assert.deepEqual(printed, [['shardId-2 | two'], ['shardId-1 | one']])
  assert.equal(clock.pending, 0)
})

function setup() {
  const printed: (readonly string[])[] = []
  const clock = new ManualClock()
  const lines = new ConsumerLines((held) => void printed.push(held), clock)
  return { lines, printed, clock }
}
