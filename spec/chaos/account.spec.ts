import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account } from './account.ts'
import { type Evidence, type Note, parseLines } from './evidence.ts'

test('finds nothing wrong with a run in which everything was put, seen and stored in order', () => {
  const { put, seen, twice, lost, problems } = account(run())
  assert.deepEqual({ put, seen, twice, lost, problems }, { put: 6, seen: 7, twice: 1, lost: 0, problems: [] })
})

test('misses a record whose line was deleted, and books it on the event in which it was put', () => {
  const { lost, problems, rows } = account(run((lines) => lines.splice(4, 1), 'second'))
  assert.equal(lost, 1)
  assert.deepEqual(
    problems.map(({ kind, text }) => [kind, text]),
    [['lost', 'y 2 of a was never seen']],
  )
  assert.equal(rows[0]?.lost, 1)
})

test('notices any deleted line of a record, but for one that was seen again', () => {
  for (const [which, line] of [
    ['first', 2],
    ['first', 3],
    ['first', 4],
    ['second', 3],
    ['second', 4],
  ] as const)
    assert.notDeepEqual(
      account(run((lines) => lines.splice(line, 1), which)).problems,
      [],
      `${which} ${line}`,
    )
  assert.equal(account(run((lines) => lines.splice(6, 1), 'first')).twice, 0)
})

test('finds the checkpoint that was above what was seen, when a line is late', () => {
  const late = account(run((lines) => delay(lines, 3, 10_000)))
  assert.ok(late.problems.some(({ kind }) => kind === 'checkpoint above what was seen'))
  assert.ok(
    late.problems.some(({ kind }) => kind === 'order'),
    'and the order that is broken',
  )
})

test('finds a pause above the bound of its event, when every later line is late', () => {
  const late = account(run((lines) => delay(lines, 0, 5_000_000), 'second'))
  assert.deepEqual(
    late.problems.map(({ kind }) => kind),
    ['pause'],
  )
  assert.ok((late.rows[0]?.pause ?? 0) > 5000)
})

test('finds checkpoints that go back, and starts below what was stored', () => {
  const evidence = run()
  const back = account({
    ...evidence,
    snapshots: [
      ...evidence.snapshots,
      { at: 9_000_000, leases: [{ shard: 'a', checkpoint: '1', owner: null }] },
    ],
  })
  assert.deepEqual(
    back.problems.map(({ kind }) => kind),
    ['checkpoint went back'],
  )
  const below = account(
    run((lines) => lines.splice(1, 1, note('begin', 2000, { shard: 'a', from: '0' })), 'second'),
  )
  assert.ok(below.problems.some(({ kind }) => kind === 'checkpoint lost'))
})

test('finds records that were never put, or came from elsewhere, and processes that were left behind', () => {
  const [first] = run().puts
  assert.ok(first !== undefined)
  assert.ok(
    account({ ...run(), puts: run().puts.slice(1) }).problems.some(({ kind }) => kind === 'never put'),
  )
  const elsewhere = { ...first, shard: 'b' }
  assert.ok(
    account({ ...run(), puts: [elsewhere, ...run().puts.slice(1)] }).problems.some(
      ({ kind }) => kind === 'identity',
    ),
  )
  assert.deepEqual(
    account({ ...run(), leftBehind: ['7 java'] }).problems.map(({ kind, text }) => [kind, text]),
    [['left behind', '7 java']],
  )
})

test('does not take half a line for evidence', () => {
  assert.deepEqual(parseLines('{"a":1}\n{"a":2}\n{"a'), [{ a: 1 }, { a: 2 }])
  assert.deepEqual(parseLines(''), [])
})

// Two keys on one shard; a consumer that sees four records and stores two, and one that goes on from there.
function run(spoil: (lines: string[]) => unknown = () => {}, which: 'first' | 'second' = 'first'): Evidence {
  const puts = [0, 1, 2, 3, 4, 5].map((index) => ({
    at: index * 100,
    key: index % 2 === 0 ? 'x' : 'y',
    n: index >> 1,
    shard: 'a',
    sequence: String(index + 1),
  }))
  const see = (index: number, at: number): string => {
    const { at: _, ...put } = puts[index] ?? {}
    return note('record', at, put)
  }
  const files = {
    first: [
      note('process', 1000, { pid: 1, worker: 'w' }),
      note('begin', 1000, { shard: 'a', from: 'TRIM_HORIZON' }),
      see(0, 1100),
      see(1, 1200),
      see(2, 1300),
      note('stored', 1400, { sequence: '3' }),
      see(3, 1500),
    ],
    second: [
      note('process', 2000, { pid: 2, worker: 'w' }),
      note('begin', 2000, { shard: 'a', from: '3' }),
      see(3, 2100),
      see(4, 2200),
      see(5, 2300),
    ],
  }
  spoil(files[which])
  return {
    puts,
    consumers: new Map(
      Object.entries(files).map(([file, lines]) => [file, parseLines<Note>(`${lines.join('\n')}\n`)]),
    ),
    snapshots: [{ at: 1450, leases: [{ shard: 'a', checkpoint: '3', owner: 'w' }] }],
    happenings: [{ kind: 'kill-consumer', detail: '', from: 50, to: 9_000_000, bound: 1000, firstLine: '' }],
    leftBehind: [],
  }
}

function note(is: string, at: number, fields: object): string {
  return JSON.stringify({ is, at, ...fields })
}

// The line, and every one after it, came later.
function delay(lines: string[], from: number, by: number): void {
  for (const [index, line] of lines.entries()) {
    if (index < from) continue
    const parsed = JSON.parse(line) as { at: number }
    lines[index] = JSON.stringify({ ...parsed, at: parsed.at + by })
  }
}
