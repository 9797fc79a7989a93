// Handlers of random duration that fail and are tried again, over batches of the daemon's size and of one's own, with
// refusals, a lost lease, a shutdown or the end of the shard. KCL_SEED repeats a run, KCL_RUNS asks for more than 100.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { everyRecords, type KinesisRecord, type SessionForEachOptions } from '../../lib/index.ts'
import { numberOf, Shard, type Story, stories } from './shard.ts'

const seed = Number(process.env.KCL_SEED ?? Date.now() % 2 ** 31)
const numRuns = Number(process.env.KCL_RUNS ?? 100)

interface Setting {
  readonly story: Story
  readonly concurrency: number
  readonly ordering: 'partitionKey' | 'none'
  readonly sizes: Pick<SessionForEachOptions, 'maxRecords' | 'maxWait'>
  /** Of 100 tries, how many fail. */
  readonly failures: number
  readonly checkpoints: boolean
}

const settings: fc.Arbitrary<Setting> = fc.record({
  story: stories,
  concurrency: fc.integer({ min: 1, max: 8 }),
  ordering: fc.constantFrom('partitionKey', 'none'),
  sizes: fc.oneof(
    fc.constant({}),
    fc.record({ maxRecords: fc.integer({ min: 1, max: 20 }), maxWait: fc.constant({ milliseconds: 7 }) }),
  ),
  failures: fc.constantFrom(0, 0, 10, 30),
  checkpoints: fc.boolean(),
})

test('handlers keep the order of each key and their number, and nothing is stored past an unfinished record', async (t) => {
  t.diagnostic(`KCL_SEED=${seed} KCL_RUNS=${numRuns}`)
  t.mock.method(process.stderr, 'write', () => true)
  let attempts = 0
  const property = fc.asyncProperty(settings, async (setting) => {
    attempts += await run(setting)
  })
  await fc.assert(property, { seed, numRuns })
  assert.ok(attempts > numRuns, 'some runs were left and taken up again')
})

async function run({ story, concurrency, ordering, sizes, failures, checkpoints }: Setting): Promise<number> {
  const shard = new Shard(story, { policy: everyRecords(3) }, sizes.maxRecords === undefined)
  const atWork = new Map<number, string>()
  const begun = new Map<string, number>()
  let skippedOrDone = 0
  const handler = async (record: KinesisRecord): Promise<boolean> => {
    const number = numberOf(record)
    const { partitionKey } = record
    assert.ok(!shard.finished.has(number), `record ${number} runs again though it is finished`)
    assert.ok(!atWork.has(number), `record ${number} is at work twice`)
    assert.ok(atWork.size < concurrency, `more than ${concurrency} handlers are at work`)
    if (ordering === 'partitionKey') {
      assert.ok(![...atWork.values()].includes(partitionKey), `two records of ${partitionKey} are at work`)
      assert.ok((begun.get(partitionKey) ?? 0) <= number, `record ${number} of ${partitionKey} begins late`)
    }
    begun.set(partitionKey, number)
    atWork.set(number, partitionKey)
    const duration = shard.random(4) === 0 ? 0 : shard.random(12)
    if (duration > 0) await new Promise<void>((resolve) => void shard.clock.after(duration, resolve))
    atWork.delete(number)
    if (shard.random(100) < failures) throw new Error(`not now: ${number}`)
    shard.finished.add(number)
    skippedOrDone += 1
    return checkpoints && shard.random(5) === 0
  }
  const onError = (_: unknown, record: KinesisRecord) => {
    const answer = (['retry', 'skip', 'stop'] as const)[shard.random(3)] ?? 'stop'
    if (answer === 'skip') shard.finished.add(numberOf(record))
    return answer
  }
  const retry = { attempts: 2, initialDelay: { milliseconds: 3 }, maxDelay: { milliseconds: 9 } }
  let attempts = 0
  const user = async (): Promise<void> => {
    while (shard.session.state === 'open') {
      attempts += 1
      // A new attempt may begin with records that come before those of the last one.
      begun.clear()
      try {
        await shard.session.forEach(handler, { concurrency, ordering, retry, onError, ...sizes })
      } catch (error) {
        assert.equal(atWork.size, 0, 'an error went up while handlers were at work')
        if (!/not now/.test(String(error))) throw error
      }
    }
  }
  await shard.play(user())
  assert.ok(skippedOrDone <= shard.delivered)
  return attempts
}
