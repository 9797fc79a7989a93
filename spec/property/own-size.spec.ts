// Batches of one's own size: random cuts and waits, bodies that fail or break, shutdown, the end of the shard and the
// loss of the lease. KCL_SEED repeats a run, KCL_RUNS asks for more than 100.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { everyRecords, type RecordBatch } from '../../lib/index.ts'
import { numberOf, Shard, type Story, stories } from './shard.ts'

const seed = Number(process.env.KCL_SEED ?? Date.now() % 2 ** 31)
const numRuns = Number(process.env.KCL_RUNS ?? 100)

interface Setting {
  readonly story: Story
  readonly maxRecords: number
  readonly maxBytes: number
  readonly wait: number
  readonly style: 'iterate' | 'step' | 'records'
  /** Of 100 bodies, how many throw or break. */
  readonly failures: number
}

const settings: fc.Arbitrary<Setting> = fc.record({
  story: stories,
  maxRecords: fc.integer({ min: 1, max: 25 }),
  maxBytes: fc.integer({ min: 1, max: 200 }),
  wait: fc.integer({ min: 1, max: 40 }),
  style: fc.constantFrom('iterate', 'step', 'records'),
  failures: fc.constantFrom(0, 10, 40),
})

test('batches of one’s own size lose nothing, hold no more than they may, and store nothing past an unfinished record', async (t) => {
  t.diagnostic(`KCL_SEED=${seed} KCL_RUNS=${numRuns}`)
  t.mock.method(process.stderr, 'write', () => true)
  await fc.assert(fc.asyncProperty(settings, run), { seed, numRuns })
})

async function run({ story, maxRecords, maxBytes, wait, style, failures }: Setting): Promise<void> {
  const shard = new Shard(story, { policy: everyRecords(2) }, false)
  const sizes = { maxRecords, maxBytes, maxWait: { milliseconds: wait } }
  let left: readonly number[] | null = null
  const check = (batch: RecordBatch): number[] => {
    const { window } = batch
    const numbers = window.records.map(numberOf)
    assert.ok(numbers.length <= maxRecords)
    const bytes = window.records.reduce((sum, record) => sum + record.data.length, 0)
    assert.ok(numbers.length === 1 || bytes <= maxBytes, `${bytes} bytes in a batch of at most ${maxBytes}`)
    numbers.forEach((number, index) =>
      assert.equal(number, (numbers[0] ?? 0) + index, 'in order, without a gap'),
    )
    if (left !== null) {
      assert.deepEqual(numbers, left, 'the same records come again')
      assert.ok(batch.attempt > 1)
    } else assert.equal(batch.attempt, 1)
    left = numbers
    return numbers
  }
  const mayFail = (): void => {
    if (shard.random(100) < failures) throw new Error('the body failed')
  }
  const work = async (batch: RecordBatch): Promise<void> => {
    const numbers = check(batch)
    if (shard.random(3) === 0)
      await new Promise<void>((resolve) => void shard.clock.after(1 + shard.random(30), resolve))
    if (style === 'records') {
      mayFail()
      for (const number of batch.records.map(numberOf)) shard.finished.add(number)
      return
    }
    // Asking for the next record finishes the one before.
    let current: number | null = null
    const step = (number: number): void => {
      if (current !== null) shard.finished.add(current)
      current = number
      mayFail()
    }
    // The account must be ahead of the session: it is told when the body ends, the session when the next is asked for.
    const before = (): void => void (current !== null && shard.finished.add(current))
    if (style === 'iterate') {
      for await (const record of batch) {
        step(numberOf(record))
        before()
      }
    } else {
      for (const record of batch) {
        step(numberOf(record))
        before()
      }
    }
    assert.ok(shard.lost || numbers.every((number) => shard.finished.has(number)))
  }
  const user = async (): Promise<void> => {
    while (shard.session.state === 'open') {
      try {
        for await (const batch of shard.session.batches(sizes)) {
          await work(batch)
          left = null
        }
      } catch (error) {
        if (!/the body failed/.test(String(error))) throw error
      }
    }
  }
  await shard.play(user())
}
