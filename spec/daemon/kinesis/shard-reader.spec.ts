import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AwsCall, AwsError } from '../../../lib/aws/client.ts'
import type { IteratorStart } from '../../../lib/daemon/kinesis/kinesis-reads.ts'
import { readShard } from '../../../lib/daemon/kinesis/shard-reader.ts'
import type { Clock } from '../../../lib/time.ts'

const EARLIEST: IteratorStart = { type: 'TRIM_HORIZON' }

test('goes on after the last record when its iterator expires, and reads to the end of the shard', async () => {
  const { texts, starts, end } = await reading(EARLIEST, [
    page(['1', '2']),
    'ExpiredIteratorException',
    page([]),
    page(['3'], null),
  ])
  assert.deepEqual(texts, ['1', '2', '3'])
  assert.deepEqual(starts, [
    { ShardIteratorType: 'TRIM_HORIZON' },
    { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: '2' },
  ])
  assert.equal(end, 'closed')
})

test('begins at its time, and not later, when an iterator at the tip expires before any record came', async () => {
  const before = Date.now() / 1000
  const { starts } = await reading({ type: 'LATEST' }, [page([]), 'ExpiredIteratorException', page([], null)])
  assert.equal(starts[0]?.ShardIteratorType, 'LATEST')
  assert.equal(starts[1]?.ShardIteratorType, 'AT_TIMESTAMP')
  const time = Number(starts[1]?.Timestamp)
  assert.ok(time >= before && time <= Date.now() / 1000)
})

test('reads the same again, later, when a read was throttled', async () => {
  const { texts, starts, delays } = await reading(EARLIEST, [
    page(['1']),
    'ProvisionedThroughputExceededException',
    'InternalFailure',
    page(['2'], null),
  ])
  assert.deepEqual(texts, ['1', '2'])
  assert.equal(starts.length, 1)
  const [afterRead = 0, first = 0, second = 0] = delays
  assert.equal(afterRead, 400)
  assert.ok(first >= 250 && first <= 500, String(first))
  assert.ok(second >= 500 && second <= 1000, String(second))
})

test('fails in a sentence with what will not pass, and names the rights where they are missing', async () => {
  await assert.rejects(reading(EARLIEST, ['AccessDeniedException']), {
    code: 'KCL_USAGE',
    message: /The stream words cannot be read\. AccessDeniedException.*kinesis:DescribeStreamSummary/,
  })
})

test('ends at the first record behind the time asked for, and at the tip when that has passed', async () => {
  const late = await reading(EARLIEST, [page(['1', '5000', '5001'])], 4000)
  assert.deepEqual([late.texts, late.end], [['1'], 'until'])
  const quiet = await reading(EARLIEST, [page(['1']), page([])], 4000)
  assert.deepEqual([quiet.texts, quiet.end], [['1'], 'until'])
})

type Answer = object | string

// The records' texts are their sequence numbers and the times they arrived at, too.
function page(numbers: readonly string[], next: string | null = 'next'): object {
  return {
    Records: numbers.map((number) => ({
      SequenceNumber: number,
      PartitionKey: 'k',
      Data: Buffer.from(number).toString('base64'),
      ApproximateArrivalTimestamp: Number(number) / 1000,
    })),
    NextShardIterator: next,
    MillisBehindLatest: 0,
  }
}

async function reading(start: IteratorStart, answers: readonly Answer[], until: number | null = null) {
  const left = [...answers]
  const texts: string[] = []
  const starts: Record<string, unknown>[] = []
  const delays: number[] = []
  const kinesis: AwsCall = async (action, request) => {
    if (action === 'GetShardIterator') {
      const { StreamName, ShardId, ...rest } = request as Record<string, unknown>
      assert.deepEqual([StreamName, ShardId], ['words', 'shard'])
      starts.push(rest)
      return { ShardIterator: 'first' }
    }
    const answer = left.shift()
    if (answer === undefined) throw new Error('one read too many')
    if (typeof answer === 'object') return answer as Record<string, unknown>
    throw new AwsError(answer, answer === 'InternalFailure' ? 500 : 400, 'by the spec')
  }
  const clock: Clock = {
    now: () => 0,
    after(delay, task) {
      delays.push(delay)
      setImmediate(task)
      return () => {}
    },
  }
  const signal = new AbortController().signal
  const end = await readShard({
    access: { kinesis, stream: 'words', clock, signal, note: () => {} },
    shardId: 'shard',
    start,
    share: 0.5,
    until,
    onRecords: (records) => texts.push(...records.map(({ data }) => `${data}`)),
    hold: async () => {},
  })
  return { texts, starts, delays, end }
}
