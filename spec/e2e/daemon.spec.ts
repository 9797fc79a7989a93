// The real daemon on a local stack. One stack for all of them; each has a stream and an application of its own.

import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../../lib/launcher/machine/processes.ts'
import { type Running, start, temporaryFolder } from '../helpers/command.ts'
import { aggregate } from './aggregate.ts'
import { fixture, type Lease, type Note, recordsOf, Stack, until, whyNot } from './stack.ts'

const reason = await whyNot()
if (reason !== false) console.error(`The specs with the real daemon are skipped: ${reason}.`)
// Each test lasts about ten seconds; this is for a machine that is busy with something else.
const LIMIT = 180_000

describe('the real daemon', { skip: reason, concurrency: 2, timeout: 900_000 }, () => {
  let stack: Stack

  before(async () => {
    stack = await Stack.start()
  })
  after(() => stack.stop())

  test('delivers several shards once and in order, and SIGTERM leaves each checkpoint at the last record', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'quakes', 3)
    const lines = readFileSync(root('samples/data/earthquakes.ndjson'), 'utf8').trimEnd().split('\n')
    await world.put(recordsOf(lines, (at) => (JSON.parse(lines[at] ?? '') as { id: string }).id))
    const running = world.run()
    await until('all were seen', running, () => world.records().length >= lines.length)
    await stopped(running, 'SIGTERM', 0)
    assert.deepEqual(
      world
        .records()
        .map(({ text }) => text)
        .sort(),
      [...lines].sort(),
    )
    assertInOrder(world.records())
    assertStored(await world.leases(), world.records())
    assert.equal(world.notes().filter(({ at }) => at === 'shutdownRequested').length, 3)
  })

  test('runs the sample of the README on the real data, its output readable and out of the protocol’s way', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'sample', 2)
    const lines = readFileSync(root('samples/data/earthquakes.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(0, 200)
    await world.put(recordsOf(lines, (at) => `key ${at}`))
    const running = world.run({ command: [process.execPath, root('dist/samples/print/consumer.js')] })
    for (const line of lines)
      await running.seen(new RegExp(`"time":"${(JSON.parse(line) as { time: string }).time}"`))
    const { stderr } = await stopped(running, 'SIGTERM', 0)
    assert.equal(stderr.match(/^shardId-\d+ key \d+ .*"time":"2018-/gm)?.length, lines.length)
  })

  test('does what the README says: local, put, run', { timeout: LIMIT }, async (t) => {
    const folder = temporaryFolder(t)
    const config = join(folder, 'local.properties')
    // Far from what other tests and people use; the second one is two above.
    const port = 20_000 + (process.pid % 20_000)
    const local = start(t, [
      'local',
      `--port=${port}`,
      `--write=${config}`,
      '--shards=2',
      `--application-name=readme-${port}`,
    ])
    await local.seen(/Ctrl-C ends it/)
    const input = root('samples/data/earthquakes.ndjson')
    const put = await start(t, ['put', `--config=${config}`, '--input', input, '--key', 'id']).ended
    assert.deepEqual([put.code, put.stderr], [0, '1707 records are in the stream words.\n'])
    const running = start(t, [
      'run',
      `--config=${config}`,
      '--',
      process.execPath,
      root('dist/samples/print/consumer.js'),
    ])
    await running.seen(/Hualian, Taiwan/)
    await stopped(running, 'SIGINT', 130)
    local.child.kill('SIGINT')
    assert.equal((await local.ended).code, 0)
  })

  test('keeps odd partition keys, odd paths, a read-only folder and stray output from doing harm', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'odd', 2)
    const odd = [
      'é',
      '€',
      '😀',
      '"quoted"',
      "it's",
      'a b',
      'a\\b',
      '\u2028',
      '\u2029',
      '\u0085',
      '\u0000',
      '\n',
      'null',
      '{}',
      'ÿ'.repeat(256),
      '-',
      '\t',
      ' ',
    ]
    await world.put(
      recordsOf(
        odd.map((key) => `text ${key}`),
        (at) => odd[at] ?? '',
      ),
    )
    const folder = join(world.folder, `it's "odd" $HOME`)
    mkdirSync(folder)
    const config = join(folder, 'my app.properties')
    copyFileSync(join(world.folder, 'app.properties'), config)
    const running = world.run({
      flags: [`--config=${config}`],
      // Not even root may write there.
      ...(process.platform === 'linux' ? { cwd: '/sys' } : {}),
      env: { NOISE: '1', LANG: 'C', LC_ALL: 'C' },
    })
    await until('all were seen', running, () => world.records().length >= odd.length)
    await stopped(running, 'SIGTERM', 0)
    const seen = world.records()
    assert.deepEqual(seen.map(({ key }) => key).sort(), [...odd].sort())
    assert.deepEqual(seen.map(({ text }) => text).sort(), odd.map((key) => `text ${key}`).sort())
    assertStored(await world.leases(), seen)
  })

  test('goes through a split and a merge while records flow, parents before children, nothing lost', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'reshard', 2)
    const all = Array.from({ length: 600 }, (_, at) => `record ${at}`)
    const put = (from: number, to: number): Promise<number> =>
      world.put(recordsOf(all.slice(from, to), (at) => `key ${(from + at) % 97}`))
    await put(0, 200)
    const running = world.run()
    await until('the first were seen', running, () => world.records().length >= 200)
    await world.reshard('SplitShard', { ShardToSplit: shard(0), NewStartingHashKey: String(2n ** 126n) })
    await put(200, 400)
    await until('the children of the split were at work', running, () => world.records().length >= 400)
    // Now there are 1, 2 and 3; the upper half of the split and its neighbour.
    await world.reshard('MergeShards', { ShardToMerge: shard(3), AdjacentShardToMerge: shard(1) })
    await put(400, 600)
    await until('all were seen', running, () => world.records().length >= 600)
    await stopped(running, 'SIGTERM', 0)
    assert.deepEqual(
      world
        .records()
        .map(({ text }) => text)
        .sort(),
      [...all].sort(),
    )
    assertInOrder(world.records())
    for (const [parent, child] of [
      [0, 2],
      [0, 3],
      [1, 4],
      [3, 4],
    ] as const)
      assertBefore(world.notes(), shard(parent), shard(child))
  })

  test('goes on beside a dev that reads the same stream, and not a byte of its leases changes', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'beside', 2)
    const texts = Array.from({ length: 100 }, (_, at) => `record ${at}`)
    await world.put(recordsOf(texts.slice(0, 80), (at) => `key ${at}`))
    const running = world.run()
    await until('the first were seen', running, () => world.records().length >= 80)
    const beside = await world.dev(['--from', 'earliest', '--until', 'now']).ended
    assert.match(beside.stderr, /80 of 80 records acknowledged and checkpointed over 2 shards/)
    await world.put(recordsOf(texts.slice(80), (at) => `key ${at}`))
    await until('all were seen', running, () => world.records().length >= texts.length)
    await stopped(running, 'SIGTERM', 0)
    assert.equal(world.records().length, texts.length)
    // While the application runs its leases change by themselves; now they must not.
    const before = await world.table()
    const again = await world.dev(['--from', 'earliest', '--until', 'now', '--state', 'state']).ended
    assert.match(again.stderr, /100 of 100 records acknowledged and checkpointed over 2 shards/)
    assert.equal(again.code, 0)
    assert.deepEqual(await world.table(), before)
  })

  test('hands a lease over to a second worker, and both drain', { timeout: LIMIT }, async (t) => {
    const world = await stack.world(t, 'two', 2)
    const texts = Array.from({ length: 300 }, (_, at) => `record ${at}`)
    const put = (from: number, to: number): Promise<number> =>
      world.put(recordsOf(texts.slice(from, to), (at) => `key ${from + at}`))
    await put(0, 100)
    const first = world.run()
    await until('the first were seen', first, () => world.records().length >= 100)
    const second = world.run({ worker: 2 })
    await until('the second had a lease', second, async () =>
      (await world.leases()).some(({ owner }) => owner === 'two-2'),
    )
    await second.seen(/consumer \d+ started/)
    await put(100, 300)
    await until(
      'all were seen',
      first,
      () => new Set(world.records().map(({ text }) => text)).size === texts.length,
    )
    await Promise.all([stopped(first, 'SIGTERM', 0), stopped(second, 'SIGTERM', 0)])
    // At least once is the promise; a handover in good order is once.
    assert.deepEqual(new Set(world.records().map(({ text }) => text)), new Set(texts))
    assertStored(await world.leases(), world.records())
    assert.ok(world.notes().some(({ at }) => at === 'leaseLost'))
  })

  test('goes on in the middle of an aggregated record', { timeout: LIMIT }, async (t) => {
    const world = await stack.world(t, 'aggregated', 1)
    const texts = ['one', 'two', 'three', 'four']
    await world.put([{ partitionKey: 'a', data: aggregate('a', texts) }])
    const first = await world.run({ env: { STOP_AT: 'two' } }).ended
    assert.equal(first.code, 1)
    assert.match(
      first.stderr,
      /ended before it acknowledged processRecords \(exit code 1\)\. Its last words: Error: stopped in the middle/,
    )
    assert.deepEqual(
      world.records().map(({ text, subSequenceNumber }) => [text, subSequenceNumber]),
      [
        ['one', 0],
        ['two', 1],
      ],
    )
    const [lease] = await world.leases()
    assert.deepEqual([lease?.checkpoint, lease?.subSequenceNumber], [world.records()[1]?.sequenceNumber, 1])
    const second = world.run()
    await until('the rest was seen', second, () => world.records().length >= 4)
    await stopped(second, 'SIGTERM', 0)
    assert.deepEqual(
      world
        .records()
        .map(({ text, subSequenceNumber }) => [text, subSequenceNumber])
        .slice(2),
      [
        ['three', 2],
        ['four', 3],
      ],
    )
  })

  test('runs the official client’s consumer, with executableName in the file and names in variables', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'official', 1)
    await world.put(recordsOf(['a', 'b', 'c'], (at) => `key ${at}`))
    const running = world.run({
      flags: [
        '--protocol=stdio',
        '--stream-name=official',
        `--set=executableName=${process.execPath} ${fixture('e2e-aws-kcl.js')}`,
      ],
      command: [],
      env: { KCL_STREAM_NAME: 'not this one', KCL_IDLE_TIME_BETWEEN_READS_IN_MILLIS: '300' },
    })
    await until('all were seen', running, () => world.records().length >= 3)
    await stopped(running, 'SIGINT', 130)
    assert.deepEqual(
      world.records().map(({ text }) => text),
      ['a', 'b', 'c'],
    )
    assert.match((await world.leases())[0]?.checkpoint ?? '', /^\d+$/)
  })

  test('notices a consumer that dies while its shard is idle, drains the other and exits with 1', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'idle', 2)
    const running = world.run({ flags: ['--call-process-records-even-for-empty-record-list=false'] })
    await until(
      'both had begun',
      running,
      () => world.notes().filter(({ at }) => at === 'initialize').length === 2,
    )
    const victim = world.notes()[0]
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    const { code, stderr } = await running.ended
    assert.equal(code, 1)
    assert.match(
      stderr,
      new RegExp(
        `The consumer of ${victim?.shard} \\(pid ${victim?.pid}\\) ended while it had nothing to do`,
      ),
    )
    assert.equal(world.notes().filter(({ at }) => at === 'shutdownRequested').length, 1)
  })

  test('leaves nothing behind when the launcher is killed, and a new one goes on within seconds', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'killed', 1)
    await world.put(recordsOf(['before'], () => 'a'))
    const first = world.run()
    await until('the first was seen', first, () => world.records().length === 1)
    first.child.kill('SIGKILL')
    await first.ended
    const pid = world.records()[0]?.pid ?? 0
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 100))
    await world.put(recordsOf(['after'], () => 'a'))
    const second = world.run()
    await until('the second was seen', second, () => world.records().some(({ text }) => text === 'after'))
    await stopped(second, 'SIGTERM', 0)
    // The drain of the first one, without its launcher, stored what it had finished.
    assert.deepEqual(
      world.records().map(({ text }) => text),
      ['before', 'after'],
    )
  })

  test('says in words that nothing answers at an endpoint, and gives up in time', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'dead', 1)
    const { code, stderr } = await world.run({
      flags: ['--dynamo-db-endpoint=http://localhost:9', '--start-timeout=3s'],
    }).ended
    assert.equal(code, 1)
    assert.match(stderr, /Nothing answers at localhost:9: connection refused\..* keeps trying/)
    assert.match(stderr, /could not begin to work within 3 s/)
  })
})

async function stopped(running: Running, signal: NodeJS.Signals, code: number): Promise<{ stderr: string }> {
  running.child.kill(signal)
  const ended = await running.ended
  assert.equal(ended.code, code, ended.stderr)
  assert.match(ended.stderr, /Stopped; every consumer was done/)
  return ended
}

// Records of a shard come by rising sequence number, and so records of a key do.
function assertInOrder(records: readonly Note[]): void {
  const last = new Map<string, bigint>()
  for (const { shard: shardId, sequenceNumber } of records) {
    assert.ok(BigInt(sequenceNumber) > (last.get(shardId) ?? -1n), `${sequenceNumber} in ${shardId}`)
    last.set(shardId, BigInt(sequenceNumber))
  }
}

function assertStored(leases: readonly Lease[], records: readonly Note[]): void {
  for (const { shardId, checkpoint } of leases) {
    const own = records
      .filter((record) => record.shard === shardId)
      .map(({ sequenceNumber }) => BigInt(sequenceNumber))
    const last = own.reduce((one, other) => (one > other ? one : other), -1n)
    assert.equal(checkpoint, last < 0n ? 'TRIM_HORIZON' : String(last), shardId)
  }
}

// A child is not begun before its parent has ended.
function assertBefore(notes: readonly Note[], parent: string, child: string): void {
  const end = notes.findIndex(({ at, shard: shardId }) => at === 'shardEnded' && shardId === parent)
  const begin = notes.findIndex(({ at, shard: shardId }) => at === 'initialize' && shardId === child)
  assert.ok(end >= 0 && begin > end, `${parent} ended at ${end}, ${child} began at ${begin}`)
}

function shard(number: number): string {
  return `shardId-${String(number).padStart(12, '0')}`
}

function root(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}
