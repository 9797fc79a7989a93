import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, temporaryFolder } from '../helpers/command.ts'

// Each fault by itself, so that what it does can be told from the conversation.
const FAULTS: Readonly<Record<string, { args: readonly string[]; seen: RegExp; consumers?: number }>> = {
  refuse: { args: ['refuse=ThrottlingException:x5'], seen: /"error":"ThrottlingException"/, consumers: 2 },
  'refuse, with the tables out of reach': {
    args: ['refuse=RuntimeException:x5'],
    seen: /"error":"RuntimeException"/,
    consumers: 2,
  },
  empty: { args: ['empty:x3'], seen: /EMPTY/, consumers: 2 },
  'lease-lost': { args: ['lease-lost:@100'], seen: /fault lease-lost/ },
  shutdown: {
    args: ['shutdown:@100/1'],
    seen: /ACTION shutdownRequested\n[\s\S]*ACTION leaseLost/,
    consumers: 3,
  },
  split: { args: ['split:@100/0'], seen: /of 400 records .* over 4 shards/, consumers: 4 },
  merge: { args: ['merge:@100/0'], seen: /of 400 records .* over 3 shards/, consumers: 3 },
  'kill-consumer': { args: ['kill-consumer:@60/0'], seen: /The daemon starts again \(1\)/ },
  'kill-daemon': { args: ['kill-daemon:@60/0'], seen: /The daemon starts again \(1\)/ },
  aggregate: { args: ['aggregate=5'], seen: /"subSequenceNumber":4/, consumers: 2 },
  'odd-keys': { args: ['odd-keys'], seen: /KEY .*\\n/, consumers: 2 },
}

for (const [name, { args, seen, consumers }] of Object.entries(FAULTS)) {
  test(`loses nothing under the fault ${name}`, async (t) => {
    const { code, stderr } = await dev(t, ['--shards', '2', ...args.flatMap((fault) => ['--fault', fault])])
    assert.match(stderr, seen)
    // A consumer may die between its checkpoint and its status.
    assert.match(stderr, /\d+ of 400 records acknowledged and (all )?checkpointed/)
    if (!['aggregate', 'odd-keys'].includes(name)) {
      assert.match(stderr, /^records +400$/m)
      for (const broken of ['lost', 'out of order in their key', 'delivered again after a checkpoint']) {
        assert.match(stderr, new RegExp(`^${broken} +none$`, 'm'))
      }
      const started = Number(/^consumers started +(\d+)$/m.exec(stderr)?.[1])
      if (consumers === undefined) assert.ok(started > 2)
      else assert.equal(started, consumers)
    }
    assert.equal(code, 0)
  })
}

test('starts the children of a split when their parent has ended, from TRIM_HORIZON', async (t) => {
  const { stderr } = await dev(t, ['--fault', 'split:@200'])
  const order = [...stderr.matchAll(/^(shardId-\d+) (START \S+|END)$/gm)].map(
    ([, shard, what]) => `${shard} ${what}`,
  )
  assert.deepEqual(order.slice(0, 2), ['shardId-000000000000 START TRIM_HORIZON', 'shardId-000000000000 END'])
  assert.deepEqual(order.slice(2).toSorted(), [
    'shardId-000000000001 END',
    'shardId-000000000001 START TRIM_HORIZON',
    'shardId-000000000002 END',
    'shardId-000000000002 START TRIM_HORIZON',
  ])
})

test('keeps the children waiting while their parent takes its time, though other shards end', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'events.ndjson'), lines(400))
  const args = [
    '--shards',
    '2',
    '--fault',
    'split:@20/0',
    '--',
    process.execPath,
    'spec/daemon/fixtures/slow-end.js',
  ]
  const { code, stderr } = await run(t, ['dev', ...input(folder), ...args])
  const order = [...stderr.matchAll(/^shardId-0*(\d) (START|END)$/gm)].map(
    ([, shard, what]) => `${shard} ${what}`,
  )
  assert.ok(order.indexOf('1 END') < order.indexOf('0 END'), order.join(', '))
  assert.ok(order.indexOf('0 END') < order.indexOf('2 START'), order.join(', '))
  assert.ok(order.indexOf('0 END') < order.indexOf('3 START'), order.join(', '))
  assert.equal(code, 0)
})

test('delivers again from the checkpoint after the daemon was killed', async (t) => {
  const { stderr } = await dev(t, ['--fault', 'kill-daemon:@200', '--batch', '50'])
  const starts = [...stderr.matchAll(/START (\S+)$/gm)].map((match) => match[1])
  assert.equal(starts.length, 2)
  assert.equal(starts[0], 'TRIM_HORIZON')
  assert.match(starts[1] ?? '', /^\d{56}$/)
})

test('tells each fault when it strikes, and at the end how often it did', async (t) => {
  const faults = ['refuse=ThrottlingException:x3', 'kill-consumer:@5000', 'split/7']
  const args = faults.flatMap((fault) => ['--fault', fault])
  const { code, stderr } = await dev(t, args)
  const told = stderr.match(/^shardId-000000000000: fault refuse=ThrottlingException:x3$/gm)
  assert.equal(told?.length, 3)
  assert.match(stderr, /^refuse=ThrottlingException:x3 +3 times$/m)
  assert.match(stderr, /^kill-consumer:@5000 +never$/m)
  assert.match(
    stderr,
    /^2 faults never struck, and taught nothing: kill-consumer:@5000, split\/7\n\(--strict/m,
  )
  assert.equal(code, 0)
  const strict = await dev(t, [...args, '--strict'])
  assert.match(strict.stderr, /^2 faults never struck/m)
  assert.equal(strict.code, 1)
})

test('strikes in the last batch, however quick the consumer is with it', async (t) => {
  // With these seeds the moment comes late in the batch.
  for (const [fault, seed] of Object.entries({
    'kill-daemon:@399': '2',
    'kill-consumer:@399': '5',
    'lease-lost:@399': '7',
  })) {
    const args = ['--batch', '1', '--fault', fault, '--strict', '--seed', seed]
    const { code, stderr } = await dev(t, args)
    assert.match(stderr, new RegExp(`^${fault} +1 time$`, 'm'))
    assert.equal(code, 0, stderr)
  }
})

test('counts no fault that found nothing to strike', async (t) => {
  const { stderr } = await dev(t, ['--fault', 'merge', '--strict'])
  assert.match(stderr, /^merge +never$/m)
  assert.doesNotMatch(stderr, /: fault merge/)
})

test('gives one account of a consumer that was killed between its checkpoint and its status', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'events.ndjson'), lines(400))
  const args = ['--state', join(folder, 'state'), '--fault', 'kill-consumer:@20']
  const consumer = ['--', process.execPath, 'spec/daemon/fixtures/stores-and-waits.js']
  const { code, stderr } = await run(t, ['dev', ...input(folder), ...args, ...consumer])
  // The second batch never is acknowledged; its checkpoint is stored, unless the kill came first.
  const acknowledged = /^acknowledged +(\d+)$/m.exec(stderr)?.[1]
  const came = Number(/of (\d+) the checkpoint was stored, but no status came$/m.exec(stderr)?.[1] ?? 0)
  assert.equal(Number(acknowledged), 400 - came)
  assert.match(
    stderr,
    new RegExp(`^${acknowledged} of 400 records acknowledged and (all )?checkpointed over 1`, 'm'),
  )
  assert.match(stderr, new RegExp(`^shardId-000000000000 +400 +${acknowledged} +400 `, 'm'))
  assert.equal(code, 0)
})

test('says with which seed a run can be repeated', async (t) => {
  const { stderr } = await dev(t, ['--fault', 'empty:0.5', '--seed', '77'])
  assert.match(stderr, /--seed 77 repeats them/)
})

test('goes on with the shards that there are when a state is taken up again', async (t) => {
  const folder = temporaryFolder(t)
  const state = ['--state', join(folder, 'state')]
  const first = await dev(t, [...state, '--fault', 'split:@200'], folder)
  assert.match(first.stderr, /400 of 400 records acknowledged and checkpointed over 3 shards/)
  writeFileSync(join(folder, 'more'), '')
  writeFileSync(join(folder, 'events.ndjson'), lines(500))
  const second = await run(t, ['dev', ...input(folder), ...state, ...CONSUMER])
  assert.match(second.stderr, /100 of 100 records acknowledged and checkpointed over 3 shards/)
  const [parent] = /^shardId-000000000000 .*$/m.exec(second.stderr) ?? []
  assert.match(parent ?? '', / 0 +0 +0 /)
  assert.equal(second.code, 0)
})

const CONSUMER = ['--', process.execPath, 'spec/daemon/fixtures/tell-all.js']

function lines(count: number): string {
  return Array.from({ length: count }, (_, id) => `{"id":${id}}\n`).join('')
}

function input(folder: string): string[] {
  return ['--input', join(folder, 'events.ndjson'), '--batch', '20', '--protocol', 'stdio']
}

function dev(t: TestContext, args: readonly string[], folder: string = temporaryFolder(t)) {
  writeFileSync(join(folder, 'events.ndjson'), lines(400))
  return run(t, ['dev', ...input(folder), ...args, ...CONSUMER])
}
