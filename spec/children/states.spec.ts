import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  FALLING_SAMPLES,
  isFallingBehind,
  lagNow,
  SILENT,
  SLOW,
  starvingAfter,
  stateOf,
  UNANSWERED,
  UNREPORTED,
  withoutProgress,
} from '../../lib/children/states.ts'

const STUCK = 600_000
const STARVING = 75_000
const LIMITS = { stuckAfter: STUCK, starvingAfter: STARVING }

// With something in hand, by the time without progress at the last snapshot. In the second half no snapshot has
// come for so long that the shard is silent.
const IN_HAND = `
                     0  slow-1  slow  stuck-1  stuck  |  0  slow-1  slow  stuck-5s  stuck
initialize           starting starting slow slow stuck | silent silent silent stuck stuck
processRecords       working  working  slow slow stuck | silent silent silent stuck stuck
shutdownRequested    draining draining slow slow stuck | silent silent silent stuck stuck
leaseLost            draining draining slow slow stuck | silent silent silent stuck stuck
shardEnded           draining draining slow slow stuck | silent silent silent stuck stuck
`
const PROGRESS = {
  heard: [0, SLOW - 1, SLOW, STUCK - 1, STUCK],
  silent: [0, SLOW - 1, SLOW, STUCK - SILENT, STUCK],
}

describe('with an action in hand', () => {
  for (const row of IN_HAND.trim().split('\n').slice(1)) {
    const [heard = '', silent = ''] = row.split('|')
    const [action = '', ...states] = heard.trim().split(/\s+/)
    const cells = [
      ...states.map((state, at) => [state, PROGRESS.heard[at] ?? 0, 0] as const),
      ...silent
        .trim()
        .split(/\s+/)
        .map((state, at) => [state, PROGRESS.silent[at] ?? 0, SILENT] as const),
    ]
    assert.equal(cells.length, 10)
    for (const [state, progressMs, age] of cells) {
      for (const readMs of [null, 0, STARVING]) {
        test(`${action}, no progress for ${progressMs} ms, silent for ${age} ms, read ${readMs} ms ago: ${state}`, () => {
          assert.equal(stateOf(seen({ action, progressMs, readMs }, age), LIMITS), state)
          const never = state === 'stuck' ? (age >= SILENT ? 'silent' : 'slow') : state
          assert.equal(
            stateOf(seen({ action, progressMs, readMs }, age), { ...LIMITS, stuckAfter: 0 }),
            never,
          )
        })
      }
    }
  }
})

test('a batch whose records are all finished waits for its checkpoint, and is slow after ten seconds', () => {
  for (const [finished, progressMs, state] of [
    [3, UNANSWERED - 1, 'working'],
    [3, UNANSWERED, 'slow'],
    [2, UNANSWERED, 'working'],
    [0, UNANSWERED, 'working'],
  ] as const) {
    const batch = { size: finished === 0 ? 0 : 3, finished, attempt: 1 }
    assert.equal(stateOf(seen({ action: 'processRecords', progressMs, readMs: 0 }, 0, batch), LIMITS), state)
  }
})

describe('with nothing in hand progress does not count', () => {
  const cases = [
    [null, 0, 'waiting'],
    [0, 0, 'waiting'],
    [STARVING - 1, 0, 'waiting'],
    [STARVING, 0, 'starving'],
    [STARVING - 1000, 1000, 'starving'],
    [0, SILENT - 1, 'waiting'],
    [0, SILENT, 'silent'],
    [STARVING, SILENT, 'silent'],
    [0, STUCK - 1, 'silent'],
    [0, STUCK, 'stuck'],
  ] as const
  for (const [readMs, age, state] of cases) {
    for (const progressMs of [0, SLOW, STUCK]) {
      test(`read ${readMs} ms ago, silent for ${age} ms, no progress for ${progressMs} ms: ${state}`, () => {
        assert.equal(stateOf(seen({ action: null, progressMs, readMs }, age), LIMITS), state)
        const fed = state === 'starving' ? 'waiting' : state
        assert.equal(
          stateOf(seen({ action: null, progressMs, readMs }, age), { ...LIMITS, starvingAfter: null }),
          fed,
        )
      })
    }
  }
})

test('a consumer that never said hello is starting, and after ten seconds it is one that does not report', () => {
  const sight = { present: true, report: null }
  assert.equal(stateOf({ ...sight, knownFor: UNREPORTED - 1 }, LIMITS), 'starting')
  assert.equal(stateOf({ ...sight, knownFor: UNREPORTED }, LIMITS), 'unreported')
  assert.equal(stateOf({ ...sight, knownFor: 10 * STUCK }, LIMITS), 'unreported')
})

test('who is not there is gone, whatever was said last', () => {
  for (const age of [0, SILENT, STUCK]) {
    for (const action of [null, 'processRecords']) {
      const sight = seen({ action, progressMs: STUCK, readMs: STARVING }, age)
      assert.equal(stateOf({ ...sight, present: false }, LIMITS), 'gone')
    }
  }
  assert.equal(stateOf({ present: false, knownFor: UNREPORTED, report: null }, LIMITS), 'gone')
})

test('time without progress goes on between two snapshots, and counts only where there was something to do', () => {
  assert.equal(withoutProgress(seen({ action: 'processRecords', progressMs: 10, readMs: 0 }, 5)), 15)
  assert.equal(withoutProgress(seen({ action: null, progressMs: 10, readMs: 0 }, 5)), 0)
  assert.equal(withoutProgress(seen({ action: null, progressMs: 10, readMs: 0 }, SILENT)), SILENT)
  assert.equal(withoutProgress({ present: true, knownFor: 5, report: null }), 0)
})

test('a lag goes on growing between two snapshots, unless there was none', () => {
  assert.deepEqual([lagNow(null, 5), lagNow(0, 5), lagNow(10, 5)], [null, 0, 15])
})

test('an idle shard may go unread for ten seconds, and ten times as long as the daemon pauses', () => {
  assert.deepEqual([starvingAfter(0), starvingAfter(1500)], [10_000, 25_000])
})

describe('a shard is falling behind', () => {
  const five = (lag: (at: number) => number | null): (number | null)[] =>
    Array.from({ length: FALLING_SAMPLES }, (_, at) => lag(at))
  const cases: readonly [string, readonly (number | null)[], boolean][] = [
    ['far behind for five minutes, and further at the end', five((at) => 30_001 + at), true],
    ['far behind all along, and no nearer', five(() => 40_000), true],
    ['not when it is nearer at the end', five((at) => 90_000 - at), false],
    ['not when it was close once', five((at) => (at === 15 ? 30_000 : 90_000)), false],
    ['not when one sample is missing', five((at) => (at === 15 ? null : 90_000)), false],
    ['not before five minutes are over', five(() => 90_000).slice(1), false],
    ['only the last five minutes count', [0, ...five(() => 90_000)], true],
    ['not without any sample', [], false],
  ]
  for (const [title, samples, expected] of cases) {
    test(title, () => assert.equal(isFallingBehind(samples), expected))
  }
})

type Sight = Parameters<typeof stateOf>[0]

function seen(
  snapshot: { action: string | null; progressMs: number; readMs: number | null },
  age: number,
  batch: NonNullable<Sight['report']>['snapshot']['batch'] = null,
): Sight {
  return { present: true, knownFor: 0, report: { age, snapshot: { ...snapshot, batch } } }
}
