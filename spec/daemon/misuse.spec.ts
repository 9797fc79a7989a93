// What `dev` tells about consumers that break the protocol: where, what was expected, what came, what the real
// daemon would do, and the consumer's last words. No such run may hang; none succeeds but where the real daemon takes
// no notice, which is a remark.

import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { run, temporaryFolder } from '../helpers/command.ts'

interface Misuse {
  /** Where it happens, and its kind. */
  readonly where: string
  readonly isRemark?: boolean
  /** Not told with a remark. */
  readonly expected?: RegExp
  readonly came: RegExp
  readonly daemon: RegExp
  readonly lastWords?: RegExp
  readonly args?: readonly string[]
}

const MISUSES: Readonly<Record<string, Misuse>> = {
  crashes: {
    where: 'during processRecords (ended)',
    expected: /^\{"action":"status","responseFor":"processRecords"\}, or a checkpoint before it$/,
    came: /^it exited with code 1$/,
    daemon: /exits 1, with every shard of the worker/,
    lastWords: /^Error: no such table$/m,
  },
  'exits-early': {
    where: 'during processRecords (ended)',
    expected: /"responseFor":"processRecords"/,
    came: /^it exited with code 0$/,
    daemon: /exits 1/,
  },
  'closes-output': {
    where: 'during initialize (ended)',
    expected: /"responseFor":"initialize"/,
    came: /^it closed its output$/,
    daemon: /exits 1/,
    lastWords: /^closing$/m,
  },
  'leaves-before-the-end': {
    where: 'between two actions (ended-idle)',
    expected: /^to stay alive until its input ends$/,
    came: /^it exited with code 0$/,
    daemon: /exits 1/,
    args: ['--fault', 'shutdown:@2'],
  },
  hangs: {
    where: 'during processRecords (no-answer)',
    expected: /"responseFor":"processRecords"/,
    came: /^nothing for 4 s$/,
    daemon: /waits without limit/,
    lastWords: /^thinking$/m,
    args: ['--timeout', '4'],
  },
  'closes-input': {
    where: 'during processRecords (input-closed)',
    expected: /"responseFor":"processRecords"/,
    came: /^it closed its input and lives on$/,
    daemon: /waits for ever/,
  },
  'wrong-action': {
    where: 'during processRecords (wrong-response)',
    expected: /"responseFor":"processRecords"/,
    came: /^\{"action":"status","responseFor":"initialize"\}$/,
    daemon: /exits 1/,
  },
  'answers-twice': {
    where: 'between two actions (second-status)',
    expected: /^nothing: no action was in hand$/,
    came: /^\{"action":"status","responseFor":"processRecords"\}$/,
    daemon: /acknowledged before it is worked on/,
  },
  'late-checkpoint': {
    where: 'between two actions (late-checkpoint)',
    expected: /^nothing/,
    came: /^\{"action":"checkpoint"\}$/,
    daemon: /stores the whole next batch, unprocessed/,
  },
  'out-of-turn': {
    where: 'during initialize (checkpoint-out-of-turn)',
    expected: /"responseFor":"initialize"/,
    came: /^\{"action":"checkpoint"\}$/,
    daemon: /InvalidStateException/,
  },
  'out-of-range': {
    where: 'during processRecords (position-refused)',
    expected: /it is above the last record delivered, \d{56}$/,
    came: /^\{"action":"checkpoint","sequenceNumber":"\d{56}"\}$/,
    daemon: /IllegalArgumentException/,
  },
  latest: {
    where: 'during processRecords (latest-stored)',
    expected: /"responseFor":"processRecords"/,
    came: /"sequenceNumber":"LATEST"/,
    daemon: /passed over/,
  },
  'adds-a-key': {
    where: 'during initialize (extra-key)',
    expected: /^a message without the key "at"$/,
    came: /"at":1\}$/,
    daemon: /both sides wait for ever/,
  },
  malformed: {
    where: 'during processRecords (malformed)',
    expected: /subSequenceNumber/,
    came: /"subSequenceNumber":"first"\}$/,
    daemon: /both sides wait for ever/,
  },
  prints: {
    where: 'during processRecords (text)',
    isRemark: true,
    came: /^got 2 records$/,
    daemon: /skips the line and waits on/,
  },
  'prints-in-front': {
    where: 'during initialize (glued-text)',
    expected: /^a message on a line of its own$/,
    came: /^50 % \{"action":"status","responseFor":"initialize"\}$/,
    daemon: /both sides wait for ever/,
  },
  'prints-null': {
    where: 'during initialize (null-line)',
    expected: /"responseFor":"initialize"/,
    came: /^null$/,
    daemon: /NullPointerException/,
  },
  'never-ends': {
    where: 'at the end (no-end)',
    expected: /^to end$/,
    came: /^it is still there 4 s after the end of its input$/,
    daemon: /blocked as long as the process lives/,
    args: ['--timeout', '4'],
  },
  'leaves-a-child': {
    where: 'at the end (pipe-held)',
    expected: /^closed pipes$/,
    came: /4 s later its pipes are still open$/,
    daemon: /blocked as long as another process/,
    args: ['--timeout', '4'],
  },
  'exits-with-code': {
    where: 'at the end (exit-code)',
    isRemark: true,
    came: /^it exited with code 3$/,
    daemon: /takes no notice/,
  },
}

test('knows what to say about every bad consumer there is', () => {
  const fixtures = readdirSync('spec/daemon/fixtures/bad').map((file) => file.replace('.js', ''))
  assert.deepEqual(fixtures.toSorted(), Object.keys(MISUSES).toSorted())
})

describe('dev', { concurrency: 3 }, () => {
  for (const [name, misuse] of Object.entries(MISUSES)) {
    test(`reports the consumer "${name}"`, (t) => reports(t, name, misuse))
  }
})

async function reports(t: TestContext, name: string, misuse: Misuse): Promise<void> {
  const file = join(temporaryFolder(t), 'events.ndjson')
  writeFileSync(file, '{"id":1}\n{"id":2}\n{"id":3}\n')
  const args = ['--input', file, '--batch', '2', '--protocol', 'stdio', ...(misuse.args ?? [])]
  const consumer = ['--', process.execPath, `spec/daemon/fixtures/bad/${name}.js`]
  const { code, stderr } = await run(t, ['dev', ...args, ...consumer])
  if (misuse.isRemark === true) {
    const [, line = ''] = stderr.split(`remark: shardId-000000000000, ${misuse.where}: `)
    const [came = '', daemon = ''] = line.split('\n')
    assert.match(came, misuse.came)
    assert.match(daemon, misuse.daemon)
    assert.match(stderr, /^\d remarks?, of which the real daemon takes no notice\n\(--strict makes/m)
    assert.equal(code, 0)
    const strict = await run(t, ['dev', ...args, '--strict', ...consumer])
    assert.equal(strict.code, 1)
    return
  }
  const [, report = ''] = stderr.split(`shardId-000000000000, ${misuse.where}:\n`)
  const said = (what: string): string => new RegExp(`^ {2}${what} +(.*)$`, 'm').exec(report)?.[1] ?? stderr
  assert.match(said('expected'), misuse.expected ?? /^$/)
  assert.match(said('came'), misuse.came)
  assert.match(said('the real daemon'), misuse.daemon)
  // What the consumer wrote came when it was written, and comes once.
  const words = misuse.lastWords
  assert.match(
    report,
    words === undefined ? /^ {2}standard error {3}nothing$/m : /^ {2}standard error {3}see above$/m,
  )
  if (words !== undefined) assert.equal(stderr.match(new RegExp(words, 'gm'))?.length, 1)
  assert.equal(code, 1)
}

test('tells ten findings of a kind, and counts the rest', async (t) => {
  const file = join(temporaryFolder(t), 'events.ndjson')
  writeFileSync(file, '{"id":1}\n'.repeat(50))
  const args = ['--input', file, '--batch', '1', '--protocol', 'stdio']
  const { code, stderr } = await run(t, [
    'dev',
    ...args,
    '--',
    process.execPath,
    'spec/daemon/fixtures/bad/prints.js',
  ])
  assert.equal(stderr.match(/\(text\):/g)?.length, 10)
  assert.match(stderr, /^50 remarks, of which/m)
  assert.match(stderr, /^and 40 more of these \(text\)$/m)
  assert.match(stderr, /50 of 50 records acknowledged and checkpointed/)
  assert.equal(code, 0)
})
