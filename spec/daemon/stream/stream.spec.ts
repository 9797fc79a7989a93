import assert from 'node:assert/strict'
import { test } from 'node:test'
import { covers, evenRanges, hashKey, LARGEST, splitRange } from '../../../lib/daemon/stream/hash-range.ts'
import { SequenceNumbers, shardName } from '../../../lib/daemon/stream/sequence-number.ts'
import { type RecordReader, type Shard, Stream } from '../../../lib/daemon/stream/stream.ts'

test('hashes partition keys as Kinesis does', () => {
  // The MD5 of "a", from RFC 1321.
  assert.equal(hashKey('a'), 0x0cc175b9c0f1b6a831c399e269772661n)
  assert.equal(hashKey('ü'), hashKey('\u00fc'))
})

test('covers all hash keys with even ranges, each once', () => {
  for (const shards of [1, 2, 3, 7, 1000]) {
    const ranges = evenRanges(shards)
    assert.equal(ranges[0]?.start, 0n)
    assert.equal(ranges.at(-1)?.end, LARGEST)
    for (const [at, range] of ranges.entries()) {
      assert.equal(range.start, at === 0 ? 0n : (ranges[at - 1]?.end ?? 0n) + 1n)
    }
  }
  const [lower, upper] = splitRange({ start: 10n, end: 20n })
  assert.deepEqual(
    [lower, upper],
    [
      { start: 10n, end: 15n },
      { start: 16n, end: 20n },
    ],
  )
  assert.ok(covers(lower, 15n) && !covers(upper, 15n))
})

test('makes the sequence numbers that Kinesis makes', () => {
  // Recorded: the first records of shards 0 and 4 of streams created at these seconds.
  const created = (seconds: number): SequenceNumbers => new SequenceNumbers(seconds * 1000)
  assert.equal(created(0x6b03c1cf).of(0, 1), '49680480408606893236124018681401897657349674107433648130')
  const number = created(0x6b03c0c3).of(4, 17)
  assert.equal(number.length, 56)
  assert.match(number, /^4968048031/)
  assert.equal(BigInt(created(1).of(3, 8)) - BigInt(created(1).of(3, 7)), 2n ** 80n)
  assert.equal(shardName(12), 'shardId-000000000012')
})

test('finds the first record after a position, whatever the position', () => {
  const stream = new Stream({ shards: 1, createdAt: 1_700_000_000_000 })
  const [shard] = stream.shards
  assert.ok(shard)
  for (let ordinal = 0; ordinal < 100; ordinal += 1) stream.put(ordinal, () => `key ${ordinal}`)
  assert.equal(shard.log.length, 100)
  assert.equal(stream.cursorAfter(shard, { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }), 0)
  assert.equal(stream.cursorAfter(shard, { sequenceNumber: '0', subSequenceNumber: 0 }), 0)
  assert.equal(stream.cursorAfter(shard, stream.positionAt(shard, 41)), 42)
  assert.equal(stream.cursorAfter(shard, { sequenceNumber: 'SHARD_END', subSequenceNumber: 0 }), 100)
})

test('keeps the records of a key in one shard, in their order', () => {
  const stream = new Stream({ shards: 5, createdAt: 0 })
  for (let ordinal = 0; ordinal < 1000; ordinal += 1) stream.put(ordinal, () => `key ${ordinal % 50}`)
  const shardOf = new Map<number, number>()
  for (const shard of stream.shards) {
    let last = -1
    for (let at = 0; at < shard.log.length; at += 1) {
      const ordinal = shard.log.at(at)
      assert.ok(ordinal > last)
      last = ordinal
      assert.equal(shardOf.get(ordinal % 50) ?? shard.number, shard.number)
      shardOf.set(ordinal % 50, shard.number)
    }
  }
  assert.equal(shardOf.size, 50)
})

test('reads no more at once than Kinesis hands out', () => {
  const stream = new Stream({ shards: 1, createdAt: 0 })
  for (let ordinal = 0; ordinal < 10; ordinal += 1) stream.put(ordinal, () => 'key')
  const reader: RecordReader = {
    read: () => ({ data: Buffer.alloc(4 * 1024 * 1024), partitionKey: 'key', arrivedAt: 0 }),
  }
  const [shard] = stream.shards
  assert.ok(shard)
  assert.equal(stream.read(shard, 0, 10, reader).length, 2)
  assert.equal(stream.read(shard, 0, 1, reader).length, 1)
})

test('moves the records behind a split to the children, by their hash and in order', () => {
  const { stream, reader, keyOf } = filled(1, 1000)
  const parent = stream.shards[0] as Shard
  const children = stream.split(parent, 400, reader) ?? []
  assert.equal(parent.log.length, 400)
  assert.equal(parent.closedAt, 400)
  assert.equal(children.length, 2)
  for (let ordinal = 1000; ordinal < 1200; ordinal += 1) stream.put(ordinal, () => keyOf(ordinal))
  const seen: number[] = []
  for (const child of children) {
    assert.deepEqual(child.parents, [0])
    const ordinals = logOf(child)
    assert.deepEqual(
      ordinals,
      ordinals.toSorted((a, b) => a - b),
    )
    for (const ordinal of ordinals) assert.ok(covers(child.range, hashKey(keyOf(ordinal))))
    seen.push(...ordinals)
  }
  assert.equal(seen.length, 800)
  assert.equal(stream.split(parent, 400, reader), null)
})

test('merges a shard with its neighbour, each closed where it is read', () => {
  const { stream, reader } = filled(3, 900)
  const [, second, third] = stream.shards as [Shard, Shard, Shard]
  const before = [...logOf(second).slice(10), ...logOf(third).slice(50)].toSorted((a, b) => a - b)
  const cursors = new Map([
    [1, 10],
    [2, 50],
  ])
  stream.merge(stream.shards[0] as Shard, () => 0, reader)
  const [rest] = stream.merge(third, (shard) => cursors.get(shard.number) ?? 0, reader) ?? []
  // The first two are one shard now, which is the neighbour of the third.
  assert.deepEqual(rest?.parents, [2, 3])
  assert.deepEqual(rest?.range, { start: 0n, end: LARGEST })
  assert.equal(
    stream.merge(rest as Shard, () => 0, reader),
    null,
  )
  assert.ok(before.length > 0)
})

test('builds the same shards again from their plans', () => {
  const { stream, reader, keyOf } = filled(2, 500)
  const children = stream.split(stream.shards[0] as Shard, 100, reader) as Shard[]
  stream.split(children[0] as Shard, 20, reader)
  stream.merge(children[1] as Shard, (shard) => (shard.number === 1 ? 200 : 30), reader)
  const again = new Stream({ shards: stream.shards, createdAt: stream.createdAt })
  for (let ordinal = 0; ordinal < 500; ordinal += 1) again.put(ordinal, () => keyOf(ordinal))
  assert.deepEqual(again.shards.map(logOf), stream.shards.map(logOf))
  assert.ok(stream.shards.length > 4)
})

test('packs records as the KPL does: one sequence number, counted from 0, and never torn apart', () => {
  const stream = new Stream({ shards: 1, createdAt: 0, aggregate: 5 })
  const [shard] = stream.shards as [Shard]
  for (let ordinal = 0; ordinal < 13; ordinal += 1) stream.put(ordinal, () => 'key')
  const reader: RecordReader = { read: () => ({ data: Buffer.alloc(1), partitionKey: 'key', arrivedAt: 0 }) }
  const records = stream.read(shard, 0, 7, reader)
  assert.deepEqual(
    records.map(({ subSequenceNumber }) => subSequenceNumber),
    [0, 1, 2, 3, 4, 0, 1, 2, 3, 4],
  )
  assert.equal(new Set(records.map(({ sequenceNumber }) => sequenceNumber)).size, 2)
  const middle = { sequenceNumber: records[5]?.sequenceNumber ?? '', subSequenceNumber: 1 }
  assert.equal(stream.cursorAfter(shard, middle), 7)
  assert.equal(stream.read(shard, 7, 1, reader)[0]?.subSequenceNumber, 2)
})

function filled(shards: number, records: number) {
  const stream = new Stream({ shards, createdAt: 0 })
  const keyOf = (ordinal: number): string => `key ${ordinal % 97}`
  const reader: RecordReader = {
    read: (ordinal) => ({ data: Buffer.alloc(1), partitionKey: keyOf(ordinal), arrivedAt: 0 }),
  }
  for (let ordinal = 0; ordinal < records; ordinal += 1) stream.put(ordinal, () => keyOf(ordinal))
  return { stream, reader, keyOf }
}

function logOf(shard: Shard): number[] {
  return Array.from({ length: shard.log.length }, (_, at) => shard.log.at(at))
}
