import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KclWords } from '../../../lib/launcher/supervision/kcl-words.ts'

const SHARD = 'shardId-000000000001'

describe('the words for', () => {
  const cases: readonly [line: string, words: RegExp, counts: string | null][] = [
    [
      `Worker w-1 could not renew lease with key ${SHARD} on try 1 out of 2 due to capacity`,
      /^shardId-000000000001: DynamoDB throttles the lease table/,
      'dynamodbThrottles',
    ],
    [
      `${SHARD} : ProvisionedThroughputExceededException thrown while fetching records from Kinesis`,
      /^shardId-000000000001: Kinesis throttles reads\./,
      'kinesisThrottles',
    ],
    [
      `123456789012:words:1700000000:${SHARD} : ProvisionedThroughputExceededException thrown while fetching records from Kinesis`,
      /^shardId-000000000001: Kinesis throttles reads\./,
      'kinesisThrottles',
    ],
    [`Shard '${SHARD}' has been throttled 5 consecutively`, /throttled its reads several times/, null],
    [
      `${SHARD} :  records threw ExpiredIteratorException - restarting after greatest seqNum passed to customer`,
      /Nothing is lost/,
      'iteratorsExpired',
    ],
    [
      `${SHARD}: Last request was dispatched at 2026-01-01T00:00:00Z, but no response as of 2026-01-01T00:00:35Z (PT35S).  Cancelling subscription, and restarting. Last successful request details -- x`,
      /has not answered in time/,
      null,
    ],
    ['Detected same hole for words 3 times. Will initiate shard sync', /lease table has a hole/, null],
    ['No activities assigned', /No shard for this worker now/, null],
  ]
  for (const [message, words, counts] of cases) {
    test(message.slice(0, 70), () => {
      const translation = new KclWords().translate({ message }, 0)
      assert.match(translation?.words ?? '', words)
      assert.deepEqual([translation?.counts, translation?.now], [counts, true])
    })
  }
})

test('what speaks for itself has none', () => {
  assert.equal(new KclWords().translate({ message: 'Sleeping ...' }, 0), undefined)
})

test('what comes again and again is said once a minute for each shard, and always counted', () => {
  const words = new KclWords()
  const throttled = (shard: number, now: number): (string | null)[] => {
    const message = `shardId-${shard} : ProvisionedThroughputExceededException thrown while fetching records`
    const translation = words.translate({ message }, now)
    return [
      translation?.counts ?? null,
      translation?.now ? (translation.words.match(/\(.*\)/)?.[0] ?? 'said') : null,
    ]
  }
  assert.deepEqual(throttled(0, 0), ['kinesisThrottles', 'said'])
  assert.deepEqual(throttled(0, 59_999), ['kinesisThrottles', null])
  assert.deepEqual(throttled(1, 59_999), ['kinesisThrottles', 'said'])
  assert.deepEqual(throttled(0, 60_000), ['kinesisThrottles', '(2 times in the last minute)'])
})
