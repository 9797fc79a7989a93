import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KinesisRecord } from '../../lib/index.ts'
import type { RecordBatch } from '../../lib/session/batch.ts'
import { Lanes } from '../../lib/session/lanes.ts'
import { RecordLine } from '../../lib/session/records.ts'
import { readWork } from '../../lib/session/work.ts'
import { record } from '../helpers/wire.ts'

test('starts the records of a batch in their order, where no key has too many left', () => {
  assert.deepEqual(turns(['a', 'b', 'c', 'd', 'e', 'f'], 2), ['a b', 'c d', 'e f'])
  assert.deepEqual(turns(['a', 'a', 'b', 'c', 'd', 'e'], 2), ['a b', 'a c', 'd e'])
})

test('starts a key first that would still be at work when all others are done', () => {
  assert.deepEqual(turns(['a', 'b', 'c', 'd', 'z', 'z', 'z'], 2), ['a z', 'b z', 'c d', 'z'])
  assert.deepEqual(turns(['a', 'b', 'c', 'z', 'z', 'z', 'z'], 2), ['z a', 'z b', 'z c', 'z'])
})

test('takes a turn more, at most, than the hands or the longest key need', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 9 }).map(String), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(keys, fc.integer({ min: 2, max: 9 }), (list, hands) => {
      const counts = new Map<string, number>()
      for (const key of list) counts.set(key, (counts.get(key) ?? 0) + 1)
      const least = Math.max(Math.ceil(list.length / hands), ...counts.values())
      const taken = turns(list, hands)
      assert.ok(taken.length <= least + 1, `${taken.length} turns, where ${least} may do`)
      assert.deepEqual(taken.join(' ').split(' ').toSorted(), list.toSorted(), 'each record once')
      for (const turn of taken) assert.equal(new Set(turn.split(' ')).size, turn.split(' ').length)
    }),
  )
})

// The keys of what is at work at once, where each record takes one turn.
function turns(keys: readonly string[], hands: number): string[] {
  const line = new RecordLine()
  line.deliver(
    keys.map((partitionKey, index) => ({ ...record(index + 1), partitionKey })),
    0,
    0,
  )
  const batch = { window: line.window(0, keys.length) } as RecordBatch
  const lanes = new Lanes(readWork(() => {}, { concurrency: hands }, 'here'))
  lanes.plan(batch, 0, null, line)
  const taken: string[] = []
  while (lanes.holding) {
    const jobs = []
    for (let job = lanes.next(); job !== null; job = jobs.length < hands ? lanes.next() : null) jobs.push(job)
    for (const job of jobs) lanes.done(job)
    taken.push(jobs.map((job) => (job.record as KinesisRecord).partitionKey).join(' '))
  }
  return taken
}
