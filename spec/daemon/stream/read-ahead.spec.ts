import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { DeliveredRecord } from '../../../lib/daemon/conversation/messages.ts'
import { Ordinals } from '../../../lib/daemon/stream/ordinals.ts'
import { ReadAhead } from '../../../lib/daemon/stream/read-ahead.ts'

test('hands over what was read ahead, once, and reads what was not', async () => {
  const { ahead, reads, textOf } = open(10)
  assert.deepEqual(textOf(ahead.read(0)), ['0', '1', '2'])
  ahead.prepare(3)
  assert.deepEqual(reads, [0])
  await turn()
  assert.deepEqual(reads, [0, 3])
  assert.deepEqual(textOf(ahead.read(3)), ['3', '4', '5'])
  assert.deepEqual(reads, [0, 3])
  assert.deepEqual(textOf(ahead.read(3)), ['3', '4', '5'])
  assert.deepEqual(reads, [0, 3, 3])
})

test('reads again from elsewhere, and where the shard has become longer or shorter', async () => {
  const { ahead, log, textOf } = open(5)
  ahead.prepare(3)
  await turn()
  assert.deepEqual(textOf(ahead.read(0)), ['0', '1', '2'])
  ahead.prepare(3)
  await turn()
  log.push(5)
  assert.deepEqual(textOf(ahead.read(3)), ['3', '4', '5'])
  ahead.prepare(3)
  await turn()
  log.truncate(4)
  assert.deepEqual(textOf(ahead.read(3)), ['3'])
})

test('reads nothing ahead behind the end, and leaves what fails to whoever wants it', async () => {
  const { ahead, reads, fail } = open(3)
  ahead.prepare(3)
  await turn()
  assert.deepEqual(reads, [])
  fail()
  ahead.prepare(0)
  await turn()
  assert.deepEqual(reads, [0])
  assert.throws(() => ahead.read(0), /cut short/)
})

// A shard of so many records, read by threes.
function open(length: number) {
  const log = new Ordinals()
  for (let at = 0; at < length; at += 1) log.push(at)
  const reads: number[] = []
  let fails = false
  const ahead = new ReadAhead(log, (cursor) => {
    reads.push(cursor)
    if (fails) throw new Error('cut short')
    const numbers = Array.from({ length: Math.min(3, log.length - cursor) }, (_, at) => log.at(cursor + at))
    return numbers.map((number) => ({ data: String(number) }) as DeliveredRecord)
  })
  return {
    ahead,
    log,
    reads,
    textOf: (records: readonly DeliveredRecord[]) => records.map(({ data }) => data),
    fail: () => {
      fails = true
    },
  }
}
