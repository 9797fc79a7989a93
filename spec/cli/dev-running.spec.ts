// What `dev` tells while it runs, and how it is stopped.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { insist, run, start, temporaryFolder } from '../helpers/command.ts'

const fixture = (name: string): string[] => ['--', process.execPath, `spec/daemon/fixtures/${name}.js`]

test('drains on SIGTERM and exits 143', async (t) => {
  const running = start(t, ['dev', ...input(t, 5), '--follow', ...fixture('tell-and-store')])
  await running.seen(/GOT/)
  running.child.kill('SIGTERM')
  const { code, stderr } = await running.ended
  assert.match(stderr, /ACTION shutdownRequested\nACTION leaseLost/)
  assert.equal(code, 143)
})

test('waits for the batch in hand when it is asked to stop, and not when it is asked twice', async (t) => {
  const slow = start(t, ['dev', ...input(t, 5), ...fixture('slow')])
  await slow.seen(/WORKING/)
  slow.child.kill('SIGINT')
  await slow.seen(/draining/)
  insist(slow, 'SIGINT')
  const { code, stderr } = await slow.ended
  assert.equal(code, 130)
  assert.match(stderr, /0 of 5 records acknowledged/)
  assert.doesNotMatch(stderr, /DONE/)
})

test('says what a stop waits for, and ends it when the time to stop is over', async (t) => {
  const slow = start(t, ['dev', ...input(t, 5), '--stop-timeout', '1200ms', ...fixture('slow')])
  await slow.seen(/WORKING/)
  slow.child.kill('SIGTERM')
  await slow.seen(
    /^SIGTERM: draining\. Waiting for shardId-000000000000 \(processRecords for .*\)\. What is not done in 1\.2 s is ended\./m,
  )
  const { code, stderr } = await slow.ended
  assert.match(
    stderr,
    /^The time to stop is over: ending what is left\. Waiting for shardId-0+ \(processRecords for/m,
  )
  assert.match(stderr, /0 of 5 records acknowledged/)
  assert.equal(code, 143)
})

test('tells machines of a stop, and of its end', async (t) => {
  const slow = start(t, ['dev', ...input(t, 5), '--stop-timeout', '500ms', '--json', ...fixture('slow')])
  await slow.seen(/WORKING/)
  slow.child.kill('SIGINT')
  const { code, stdout } = await slow.ended
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const of = (name: string) => events.find(({ event }) => event === name)
  assert.deepEqual([of('stopping').signal, of('stopping').timeout], ['SIGINT', 500])
  assert.equal(of('stop-timed-out').inHand[0].action, 'processRecords')
  assert.equal(of('summary').perShard[0].stored.sequenceNumber, 'TRIM_HORIZON')
  assert.equal(code, 130)
})

test('says what was stored when it is stopped, and how to go on', async (t) => {
  const state = join(temporaryFolder(t), 'a state')
  const stop = async (more: readonly string[]): Promise<string> => {
    const running = start(t, [
      'dev',
      ...input(t, 400),
      '--batch',
      '100',
      ...more,
      ...fixture('stores-and-waits'),
    ])
    await running.seen(/STORED 2/)
    running.child.kill('SIGINT')
    await running.seen(/draining/)
    insist(running, 'SIGINT')
    return (await running.ended).stderr
  }
  const kept = await stop(['--state', state])
  assert.match(kept, /^shardId-000000000000: 200 of 400 records stored, up to \d{56}$/m)
  // Under npm's own commands it is named as npx has it.
  assert.match(kept, /To go on after them: (npx )?kcl-session dev --input /)
  assert.ok(kept.includes(` --state '${state}' -- `), kept)
  const lost = await stop([])
  assert.match(
    lost,
    /kept in memory only\. With --state a run goes on .*: (npx )?kcl-session dev .* --state \.kcl-session -- /,
  )
})

test('ends a run whose consumer is silent for too long', async (t) => {
  const { code, stderr } = await run(t, ['dev', ...input(t, 5), '--timeout', '2500ms', ...fixture('slow')])
  assert.match(stderr, /during processRecords \(no-answer\)/)
  assert.match(stderr, /came +nothing for 2\.5 s/)
  assert.match(stderr, /timeoutInSeconds/)
  assert.equal(code, 1)
})

test('begins the time for silence again at every checkpoint', async (t) => {
  const { code } = await run(t, ['dev', ...input(t, 12), '--timeout', '4', ...fixture('steady')])
  assert.equal(code, 0)
})

test('tells machines what happens, one JSON object a line', async (t) => {
  const args = [...input(t, 100), '--shards', '2', '--json', '--fault', 'refuse=ThrottlingException:x1']
  const { code, stdout, stderr } = await run(t, ['dev', ...args, ...fixture('patient')])
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const kinds = new Set(events.map(({ event }) => event))
  assert.deepEqual([...kinds].toSorted(), [
    'begin',
    'checkpointed',
    'ended',
    'fault',
    'refused',
    'started',
    'state',
    'summary',
  ])
  const summary = events.at(-1)
  assert.equal(summary.succeeded, true)
  assert.deepEqual(
    [summary.total, summary.delivered, summary.acknowledged, summary.checkpointed, summary.shards],
    [100, 100, 100, 100, 2],
  )
  assert.equal(summary.account.lost, 0)
  assert.equal(stderr, '')
  assert.equal(code, 0)
})

test('is silent when asked to be, but for what goes wrong', async (t) => {
  const good = await run(t, ['dev', ...input(t, 10), '--quiet', ...fixture('good')])
  assert.deepEqual([good.code, good.stdout, good.stderr], [0, '', ''])
  const bad = await run(t, ['dev', ...input(t, 10), '--quiet', ...fixture('forgetful')])
  assert.match(bad.stderr, /shard-end-not-stored/)
  assert.match(bad.stderr, /10 of 10 records acknowledged, 0 checkpointed/)
  assert.equal(bad.code, 1)
})

test('refuses options that do not go together', async (t) => {
  const refused = async (args: readonly string[], pattern: RegExp): Promise<void> => {
    const { code, stderr } = await run(t, ['dev', ...args, ...fixture('good')], '')
    assert.match(stderr, pattern)
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    assert.equal(code, 2)
  }
  await refused(['--input', '-', '--follow'], /--follow is for files/)
  await refused([...input(t, 1), '--elide-data'], /give --record FILE too/)
  await refused([...input(t, 1), '--json', '--quiet'], /cannot go together/)
  await refused(
    [...input(t, 1), '--timeout', 'soon'],
    /'--timeout <time>' argument 'soon' is invalid\. Give a time such as 30, 500ms or 5m/,
  )
  await refused([...input(t, 1), '--seed', '-1'], /Give a whole number from 0/)
  await refused([...input(t, 1), '--fault', 'split:often'], /"split:often" is not a fault/)
  await refused([...input(t, 1), '--record', '/no/such/folder/x'], /Cannot write \/no\/such\/folder\/x/)
})

function input(t: TestContext, count: number): string[] {
  const file = join(temporaryFolder(t), 'events.ndjson')
  writeFileSync(file, Array.from({ length: count }, (_, id) => `{"id":${id}}\n`).join(''))
  return ['--input', file, '--protocol', 'stdio']
}
