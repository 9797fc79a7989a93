import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { UsageError } from '../../lib/errors.ts'
import {
  deleteLeases,
  type ResetPlace,
  readKeptLeases,
  restingLeases,
  restoreLeases,
} from '../../lib/leases/reset.ts'
import { run, temporaryFolder } from '../helpers/command.ts'
import { leaseRow, Tables } from '../helpers/tables.ts'

test('keeps a copy, deletes every lease, and puts them back as they were', async (t) => {
  const { tables, place } = application()
  const before = structuredClone(tables.rows.get('demo'))
  const file = join(temporaryFolder(t), 'copy.json')
  await deleteLeases(await restingLeases(place), file, place)
  assert.deepEqual(tables.rows.get('demo'), [])
  const kept = readKeptLeases(file, 'demo')
  assert.equal(await restoreLeases(kept, place), 3)
  assert.deepEqual(tables.rows.get('demo'), before)
  assert.equal(await restoreLeases(kept, place), 0)
})

describe('refuses, and changes nothing, while', () => {
  const signs: readonly [string, RegExp, (tables: Tables) => void, (tables: Tables) => void][] = [
    [
      'a lease is renewed',
      /1 of 3 leases moved while we looked, those of w-1\./,
      () => {},
      (tables) => Object.assign(tables.rows.get('demo')?.[0] ?? {}, { leaseCounter: { N: '6' } }),
    ],
    [
      'a checkpoint moves',
      /1 of 3 leases moved/,
      () => {},
      (tables) => Object.assign(tables.rows.get('demo')?.[1] ?? {}, { checkpoint: { S: '50' } }),
    ],
    [
      'a lease appears',
      /1 of 4 leases moved/,
      () => {},
      (tables) => tables.rows.get('demo')?.push(leaseRow('s-9')),
    ],
    [
      'a worker was there less than a minute ago',
      /Worker w-1 was there 59 s ago; after its stop a minute must pass\./,
      (tables) => tables.rows.set('demo-W', [{ wid: { S: 'w-1' }, lut: { N: '941' } }]),
      () => {},
    ],
    [
      "the leader's lock is renewed",
      /Worker w-1 renews the leader's lock\./,
      (tables) => tables.rows.set('demo-C', [lock('one')]),
      (tables) => tables.rows.set('demo-C', [lock('two')]),
    ],
  ]
  for (const [title, text, before, meanwhile] of signs) {
    test(title, async () => {
      const { tables, place } = application()
      before(tables)
      const looked = { ...place, pause: async () => meanwhile(tables) }
      await assert.rejects(restingLeases(looked), (error: unknown) => {
        assert.ok(error instanceof UsageError)
        assert.match(error.message, text)
        return true
      })
      assert.deepEqual(tables.writes, [])
    })
  }
})

describe('looks', () => {
  const cases: readonly [string, number, number, boolean][] = [
    ['for ten seconds at least', 1000, 10_000, false],
    ['for twice the failover time', 30_000, 60_000, false],
    ["for longer than the leader's lock is renewed, where there is one", 1000, 40_000, true],
  ]
  for (const [title, failoverTime, expected, locked] of cases) {
    test(title, async () => {
      const { tables, place } = application()
      if (locked) tables.rows.set('demo-C', [lock('one')])
      let paused = 0
      await restingLeases({ ...place, failoverTime, pause: async (time) => (paused = time) })
      assert.equal(paused, expected)
    })
  }
})

test('stops at the first lease that a worker took up meanwhile, and says how to go back', async (t) => {
  const { tables, place } = application()
  const file = join(temporaryFolder(t), 'copy.json')
  const leases = await restingLeases(place)
  Object.assign(tables.rows.get('demo')?.[1] ?? {}, { leaseCounter: { N: '6' } })
  await assert.rejects(
    deleteLeases(leases, file, place),
    /lease of s-1 has changed.* 1 of 3 leases are deleted.*--restore/,
  )
  assert.deepEqual(
    tables.rows.get('demo')?.map(({ leaseKey }) => leaseKey?.S),
    ['s-1', 's-2'],
  )
  assert.equal(await restoreLeases(readKeptLeases(file, 'demo'), place), 1)
})

test('deletes nothing where the copy cannot be kept', async (t) => {
  const { tables, place } = application()
  const file = join(temporaryFolder(t), 'copy.json')
  writeFileSync(file, 'mine')
  await assert.rejects(deleteLeases(await restingLeases(place), file, place), /nothing was deleted/)
  assert.deepEqual([tables.writes, readFileSync(file, 'utf8')], [[], 'mine'])
})

test('restores only from a copy of its own, of the same table', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'copy.json')
  for (const [text, why] of [
    ['{', /cannot be read/],
    ['[]', /is not a copy/],
    ['{"items":[{}]}', /is not a copy/],
    ['{"table":"other","items":[{"leaseKey":{"S":"s-0"}}]}', /of the table other, not of demo/],
  ] as const) {
    writeFileSync(file, text)
    assert.throws(() => readKeptLeases(file, 'demo'), why)
  }
  assert.throws(() => readKeptLeases(join(folder, 'none'), 'demo'), /cannot be read/)
})

describe('the command line', () => {
  const wrong: readonly [readonly string[], RegExp][] = [
    [[], /Give one of --to=TIME\|earliest\|latest, --back=TIME and --restore=FILE/],
    [['--to=latest', '--back=2h'], /Give one of/],
    [['--to=yesterday'], /give earliest, latest, or a time with its zone/],
    [['--to=2026-01-31T12:00:00'], /with its zone/],
    [['--to=2999-01-01T00:00:00Z'], /has not come yet/],
    [['--back=2 hours'], /--back/],
    [['--to=latest'], /Which application\?/],
  ]
  for (const [args, text] of wrong) {
    test(`${args.join(' ') || 'nothing'} is a mistake`, async (t) => {
      const { code, stderr } = await run(t, ['reset', ...args])
      assert.match(stderr, text)
      assert.equal(code, 2)
    })
  }

  test('a service that does not answer is told in a sentence', async (t) => {
    const { code, stderr } = await run(t, [
      'reset',
      '--to=latest',
      '--application-name=demo',
      '--region-name=us-east-1',
      '--dynamo-db-endpoint=http://127.0.0.1:1',
    ])
    assert.match(stderr, /^kcl-session: Nothing answers at 127\.0\.0\.1:1: .*\n$/)
    assert.equal(code, 2)
    assert.equal(existsSync('leases-demo.json'), false)
  })
})

function application(): { tables: Tables; place: ResetPlace } {
  const tables = new Tables()
  tables.rows.set('demo', [leaseRow('s-0', { leaseOwner: { S: 'w-1' } }), leaseRow('s-1'), leaseRow('s-2')])
  return {
    tables,
    place: {
      dynamoDB: tables.call,
      tables: { leases: 'demo', workers: 'demo-W', coordinator: 'demo-C' },
      failoverTime: 5000,
      now: () => 1_000_000,
      pause: async () => {},
      note: () => {},
    },
  }
}

function lock(version: string): Record<string, { S: string }> {
  return { key: { S: 'Leader' }, ownerName: { S: 'w-1' }, recordVersionNumber: { S: version } }
}
