import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Mark, Progress } from '../../lib/checkpoint/progress.ts'

const STEP = { after: 'record', endsAggregate: true, millisBehindLatest: 5 } as const

test('before the first finished record there is nothing to store', () => {
  const progress = new Line()
  assert.equal(progress.since(0), null)
  assert.equal(progress.position, null)
})

test('counts records, bytes and the time since the first of them', () => {
  const progress = new Line()
  progress.finished(at(1), 10, 1000)
  progress.finished(at(2), 5, 1500)
  assert.deepEqual(progress.since(1700), {
    ...STEP,
    records: 2,
    bytes: 15,
    elapsed: 700,
    position: at(2),
  })
})

test('what was asked for counts as behind us, at once', () => {
  const progress = finished(3)
  progress.asked(mark(3))
  assert.equal(progress.since(100), null)
  progress.finished(at(4), 1, 40)
  const since = progress.since(100)
  assert.deepEqual([since?.records, since?.bytes, since?.elapsed], [1, 1, 60])
})

test('what is stored stays behind us', () => {
  const progress = finished(3)
  progress.asked(mark(3))
  progress.reached(at(3))
  assert.equal(progress.since(100), null)
  progress.finished(at(4), 1, 40)
  assert.equal(progress.since(100)?.records, 1)
})

test('what a failed checkpoint had asked for counts again, from its first record on', () => {
  const progress = finished(3)
  progress.asked(mark(3))
  progress.finished(at(4), 1, 40)
  progress.failed(at(3))
  const since = progress.since(100)
  assert.deepEqual([since?.records, since?.bytes, since?.elapsed], [4, 4, 90])
})

test('a checkpoint that fails after an earlier one was stored gives back only its own part', () => {
  const progress = finished(2)
  progress.asked(mark(2))
  progress.finished(at(3), 1, 30)
  progress.asked(mark(3))
  progress.reached(at(2))
  progress.failed(at(3))
  const since = progress.since(100)
  assert.deepEqual([since?.records, since?.elapsed, since?.position], [1, 70, at(3)])
})

test('a failed checkpoint gives back nothing of a later one that is still under way', () => {
  const progress = finished(2)
  progress.asked(mark(2))
  progress.finished(at(3), 1, 30)
  progress.asked(mark(3))
  progress.failed(at(2))
  assert.equal(progress.since(100), null)
  progress.failed(at(3))
  assert.equal(progress.since(100)?.records, 3)
})

test('one that is stored covers those below it that were never answered', () => {
  const progress = finished(2)
  progress.asked(mark(2))
  progress.finished(at(3), 1, 30)
  progress.asked(mark(3))
  progress.reached(at(3))
  progress.failed(at(2))
  assert.equal(progress.since(100), null)
})

test('a position that was asked for ahead of what is finished leaves nothing to store until it is passed', () => {
  const progress = finished(2)
  progress.asked({ position: at(5), records: 5, bytes: 5, nextAt: null })
  progress.finished(at(3), 1, 30)
  assert.equal(progress.since(100), null)
  progress.reached(at(5))
  for (const number of [4, 5]) progress.finished(at(number), 1, number * 10)
  assert.equal(progress.since(100), null)
  progress.finished(at(6), 1, 60)
  assert.deepEqual([progress.since(100)?.records, progress.since(100)?.elapsed], [1, 40])
})

test('a position at or below one that was asked for changes nothing', () => {
  const progress = finished(3)
  progress.asked(mark(3))
  progress.asked(mark(2))
  assert.equal(progress.since(100), null)
  progress.failed(at(3))
  assert.equal(progress.since(100)?.records, 3)
})

test('the time of a position in the middle of what is finished counts from the record behind it', () => {
  const progress = finished(3)
  progress.asked({ position: at(1), records: 1, bytes: 1, nextAt: 20 })
  assert.deepEqual([progress.since(100)?.records, progress.since(100)?.elapsed], [2, 80])
})

/** So many finished records of one byte, the first at 10 ms, the second at 20 ms and so on. */
function finished(count: number): Line {
  const progress = new Line()
  for (let number = 1; number <= count; number += 1) progress.finished(at(number), 1, number * 10)
  return progress
}

function mark(count: number) {
  return { position: at(count), records: count, bytes: count, nextAt: null }
}

function at(number: number) {
  return { sequenceNumber: String(number), subSequenceNumber: 0 }
}

/** A line of finished records, and the progress over it. */
class Line {
  readonly #progress = new Progress()
  readonly #times: number[] = []
  bytes = 0
  position: { sequenceNumber: string; subSequenceNumber: number } | null = null

  get watermark(): number {
    return this.#times.length
  }

  finishedAt(number: number): number | null {
    return this.#times[number] ?? null
  }

  finished(position: ReturnType<typeof at>, bytes: number, now: number): void {
    this.#times.push(now)
    this.bytes += bytes
    this.position = position
  }

  since(now: number) {
    return this.#progress.since(STEP, this, now)
  }

  asked(mark: Mark): void {
    this.#progress.asked(mark)
  }

  reached(position: ReturnType<typeof at>): void {
    this.#progress.reached(position)
  }

  failed(position: ReturnType<typeof at>): void {
    this.#progress.failed(position)
  }
}
