import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { LARGEST } from '../../lib/daemon/stream/hash-range.ts'
import { type Running, run, start, temporaryFolder } from '../helpers/command.ts'
import { LocalKinesis, startProxy, type Tamper } from '../helpers/kinesis.ts'

interface Kept {
  readonly shard: string
  readonly pid: number
  readonly text: string
  readonly sequenceNumber: string
}

const READING = ['DescribeStreamSummary', 'ListShards', 'GetShardIterator', 'GetRecords']

describe('dev on a stream', () => {
  let kinesis: LocalKinesis
  before(async () => {
    kinesis = await LocalKinesis.start()
  })
  after(() => kinesis.stop())

  test('delivers every record once per attempt through a split, a throttled read, an expired iterator and kill -9', async (t) => {
    await kinesis.createStream('trouble', 2)
    let reads = 0
    const tamper: Tamper = ({ action }) => {
      if (action !== 'GetRecords') return null
      reads += 1
      if (reads === 3) return { status: 400, exception: 'ProvisionedThroughputExceededException' }
      // By then records were read, and the next iterator must begin after them.
      if (reads === 8) return { status: 400, exception: 'ExpiredIteratorException' }
      return null
    }
    const { endpoint, passed } = await startProxy(t, kinesis.endpoint, tamper)
    const place = setup(t, 'trouble', endpoint)
    const args = ['--from', 'earliest', '--state', join(place.folder, 'state'), '--batch', '10']

    await kinesis.put('trouble', numbered(0, 100))
    const first = place.start(args)
    await seenTimes(first, 100)
    await first.seen(/ProvisionedThroughputExceededException: by the spec; it is read again in/)
    await first.seen(/the iterator expired; reading goes on after the last record/)
    await kinesis.split('trouble', 'shardId-000000000000', LARGEST / 4n)
    await kinesis.put('trouble', numbered(100, 100))
    await first.seen(/shardId-00000000000[23] \| KEPT/)
    first.child.kill('SIGKILL')
    await first.ended

    await kinesis.put('trouble', numbered(200, 100))
    const before = place.kept().length
    const second = place.start(args)
    await second.seen(/KEPT 299/)
    await seenTimes(
      second,
      300 -
        new Set(
          place
            .kept()
            .slice(0, before)
            .map(({ text }) => text),
        ).size,
    )
    second.child.kill('SIGINT')
    const { code, stderr } = await second.ended
    assert.equal(code, 130)
    assert.match(stderr, /(\d+) of \1 records acknowledged and checkpointed over \d shards/)

    const kept = place.kept()
    assert.deepEqual(
      new Set(kept.map(({ text }) => text)),
      new Set(Array.from({ length: 300 }, (_, at) => String(at))),
    )
    assertOncePerAttempt(kept)
    assertInOrder(kept)
    const last = kept.findLastIndex(({ shard }) => shard === 'shardId-000000000000')
    const child = kept.findIndex(({ shard }) => /[23]$/.test(shard))
    assert.ok(last < child, 'a child was read before its parent was finished')
    // Nothing but reading, and nothing of an application.
    assert.deepEqual(new Set(passed.map(({ action }) => action)), new Set(READING))
  })

  test('reads some shards, between two times, and ends there', async (t) => {
    await kinesis.createStream('some', 2)
    await kinesis.put('some', numbered(0, 40))
    const place = setup(t, 'some', kinesis.endpoint)
    const all = await place.run(['--from', 'earliest', '--until', 'now'])
    assert.equal(all.code, 0, all.stderr)
    assert.match(all.stderr, /40 of 40 records acknowledged and checkpointed over 2 shards/)
    assert.match(all.stderr, /up to 2\.5 reads and 1\.0 MB a second .* not for production.* kcl-session run/)
    const one = await place.run(['--from', '1h', '--until', 'now', '--shards', '1', '--read-share', '100'])
    assert.equal(one.code, 0, one.stderr)
    assert.deepEqual(
      new Set(
        place
          .kept()
          .slice(40)
          .map(({ shard }) => shard),
      ),
      new Set(['shardId-000000000001']),
    )
  })

  test('begins where a file of checkpoints says, and goes on only there', async (t) => {
    await kinesis.createStream('from', 2)
    await kinesis.put('from', numbered(0, 40))
    const place = setup(t, 'from', kinesis.endpoint)
    await place.run(['--from', 'earliest', '--until', 'now'])
    const [shard0] = [place.kept().filter(({ shard }) => shard === 'shardId-000000000000')]
    const file = join(place.folder, 'leases.json')
    // As `aws dynamodb scan` prints the application's lease table.
    const item = {
      leaseKey: { S: 'shardId-000000000000' },
      checkpoint: { S: shard0[4]?.sequenceNumber },
      checkpointSubSequenceNumber: { N: '0' },
    }
    writeFileSync(file, JSON.stringify({ Items: [item], Count: 1 }))
    const { stderr } = await place.run(['--from', file, '--until', 'now'])
    assert.match(stderr, new RegExp(`${shard0.length - 5} of ${shard0.length - 5} records`))
    assert.deepEqual(
      place
        .kept()
        .slice(40)
        .map(({ text }) => text),
      shard0.slice(5).map(({ text }) => text),
    )
  })

  test('says in one line what cannot be read', async (t) => {
    await kinesis.createStream('refused', 1)
    const place = setup(t, 'refused', kinesis.endpoint)
    const refused = async (args: readonly string[], pattern: RegExp): Promise<void> => {
      const { code, stderr } = await place.run(args)
      assert.match(stderr, pattern)
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
      assert.equal(code, 2)
    }
    await refused(['--stream-name', 'none'], /The stream none cannot be read\. ResourceNotFound/)
    await refused(['--shards', '7'], /no shard shardId-000000000007; it has shardId-000000000000\./)
    await refused(['--shards', 'two'], /give shards of the stream/)
    await refused(['--from', 'yesterday'], /--from yesterday: give earliest, latest, a time/)
    await refused(['--until', 'soon'], /--until soon: give now, or a time/)
    await refused(['--key', 'id'], /--key is for files/)
    await refused(['--input', 'x.ndjson'], /--input and a stream cannot go together/)
    await refused(['--fault', 'split'], /--fault split is for files/)
    const odd = join(place.folder, 'odd.json')
    writeFileSync(odd, '{"a":1}')
    await refused(['--from', odd], /odd\.json names no positions/)
    const state = join(place.folder, 'state')
    await place.run(['--from', 'earliest', '--until', 'now', '--state', state])
    const file = join(place.folder, 'x.ndjson')
    writeFileSync(file, '{}\n')
    const other = await run(t, ['dev', '--input', file, '--state', state, ...place.command])
    assert.match(other.stderr, /state\.json is the state of a run on a stream\. Use another folder/)
  })
})

function setup(t: TestContext, stream: string, endpoint: string) {
  const folder = temporaryFolder(t)
  const out = join(folder, 'out.ndjson')
  writeFileSync(out, '')
  const command = ['--protocol', 'stdio', '--', process.execPath, 'spec/daemon/fixtures/keep.js']
  const words = (args: readonly string[]): string[] => [
    ...['dev', '--stream-name', stream, '--kinesis-endpoint', endpoint, '--region-name', 'us-east-1'],
    ...args,
    ...command,
  ]
  const env = { ...process.env, OUT: out }
  return {
    folder,
    command,
    start: (args: readonly string[]): Running => start(t, words(args), { env }),
    run: (args: readonly string[]) => start(t, words(args), { env }).ended,
    kept: (): Kept[] =>
      readFileSync(out, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Kept),
  }
}

function numbered(from: number, count: number): { data: Buffer; partitionKey: string }[] {
  return Array.from({ length: count }, (_, at) => ({
    data: Buffer.from(String(from + at)),
    partitionKey: `key ${(from + at) % 23}`,
  }))
}

async function seenTimes(running: Running, times: number): Promise<void> {
  await running.seen(new RegExp(`(?:KEPT[^K]*){${times}}`))
}

function assertOncePerAttempt(kept: readonly Kept[]): void {
  const attempts = kept.map(({ pid, shard, sequenceNumber }) => `${pid} ${shard} ${sequenceNumber}`)
  assert.equal(new Set(attempts).size, attempts.length)
}

function assertInOrder(kept: readonly Kept[]): void {
  const last = new Map<number, bigint>()
  for (const { pid, sequenceNumber } of kept) {
    assert.ok(BigInt(sequenceNumber) > (last.get(pid) ?? 0n))
    last.set(pid, BigInt(sequenceNumber))
  }
}
