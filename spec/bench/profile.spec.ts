import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type CpuProfile, profile, profileMissed, selfTimes } from './profile.ts'
import { profileTable } from './report.ts'
import { STYLES } from './styles.ts'

const BUNDLE = join(import.meta.dirname, '../../bundle/index.js')

test('a sample counts to the source, module or native function that it hit, between two moments', () => {
  const lines = readFileSync(BUNDLE, 'utf8').split('\n')
  const line = lines.findIndex((text) => text.startsWith('var KclSession = '))
  assert.ok(line >= 0)
  const places = [
    ['(idle)', '', -1],
    ['(garbage collector)', '', -1],
    ['', '', -1],
    ['writeString', '', -1],
    ['writeSync', 'node:fs', 897],
    ['KclSession', pathToFileURL(BUNDLE).href, line],
    ['run', pathToFileURL(join(import.meta.dirname, '../../../node_modules/one/two.js')).href, 3],
  ] as const
  const found: CpuProfile = {
    nodes: places.map(([functionName, url, lineNumber], id) => ({
      id,
      callFrame: { functionName, url, lineNumber, columnNumber: 0 },
    })),
    startTime: 1000,
    samples: [4, 0, 1, 2, 3, 4, 5, 6, 4, 4],
    timeDeltas: [100, 10, 1, 2, 3, 4, 5, 6, 7, 500],
  }
  assert.deepEqual(selfTimes(found, 1105, 1200), {
    '(garbage collector)': 1,
    native: 2,
    'native writeString': 3,
    'node:fs': 11,
    'lib/session/session.ts': 5,
    'node_modules/one/two.js': 6,
  })
})

test('a consumer under the profile ends as ever, and its time is found in our rooms', async () => {
  const style = STYLES.find(({ name }) => name === 'batch.records')
  assert.ok(style !== undefined)
  const kinds = await profile(style, { name: 'a small one', records: 100, bytes: 50 }, 200, 300)
  assert.ok(Object.keys(kinds).some((kind) => kind.startsWith('lib/protocol/')))
  assert.ok(!('(idle)' in kinds))
})

test('only what was missed is profiled', async () => {
  const met = { row: '1 × 200 B', style: 'for of', over: 'floor', least: 1, figure: 1, met: true }
  assert.deepEqual(await profileMissed([met, { ...met, row: 'start', met: false }], 0), {})
})

test('the table has the biggest first, the small together, and how much it is in all', () => {
  const small = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`lib/${at}.ts`, 0.2]))
  const lines = profileTable('1 × 1 B', {
    ours: { ...small, native: 1, 'lib/last.ts': 0.1 },
    theirs: { own: 4 },
  })
    .split('\n')
    .map((line) => line.split(/ {2,}/))
  assert.deepEqual(lines[0], ['1 × 1 B: µs per record at', 'ours', 'theirs'])
  assert.deepEqual(lines.slice(2, 4), [
    ['own', '0.000', '4.000'],
    ['native', '1.000', '0.000'],
  ])
  assert.deepEqual(lines.slice(-2), [
    ['all else', '0.300', '0.000'],
    ['together', '4.500', '4.000'],
  ])
})
