import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AwsError } from '../../lib/aws/client.ts'
import { batches, type OutgoingRecord, putRecords } from '../../lib/local/put.ts'
import type { Clock } from '../../lib/time.ts'

const AT_ONCE: Clock = {
  now: () => 0,
  after(_delay, task) {
    setImmediate(task)
    return () => {}
  },
}

test('cuts batches so that none has a key twice, nor more than PutRecords takes', () => {
  const keys = ['a', 'b', 'a', 'c', 'c']
  assert.deepEqual(
    [...batches(keys.map((key) => record(key)))].map((batch) =>
      batch.map(({ partitionKey }) => partitionKey),
    ),
    [['a', 'b'], ['a', 'c'], ['c']],
  )
  const many = Array.from({ length: 501 }, (_, at) => record(`k${at}`))
  assert.deepEqual(
    [...batches(many)].map(({ length }) => length),
    [500, 1],
  )
  const large = ['a', 'b', 'c'].map((key) => record(key, 3 * 1024 * 1024))
  assert.deepEqual(
    [...batches(large)].map(({ length }) => length),
    [1, 1, 1],
  )
})

test('sends what was refused again before anything later, so that keys stay in order', async () => {
  const stored: string[] = []
  let calls = 0
  const kinesis = async (_action: string, request: object) => {
    calls++
    const { Records } = request as { Records: { PartitionKey: string; Data: string }[] }
    const results = Records.map(({ PartitionKey, Data }, at) => {
      if (calls < 3 && at % 2 === 1)
        return { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'slow' }
      stored.push(`${PartitionKey}${Buffer.from(Data, 'base64')}`)
      return { SequenceNumber: '1', ErrorCode: null }
    })
    return { Records: results }
  }
  const records = ['a', 'b', 'c', 'b', 'a'].map((key, at) => ({
    partitionKey: key,
    data: Buffer.from(String(at)),
  }))
  assert.equal(await putRecords({ kinesis, stream: 's', records, clock: AT_ONCE }), 5)
  assert.deepEqual(
    stored.filter((text) => text.startsWith('b')),
    ['b1', 'b3'],
  )
  assert.equal(stored.length, 5)
})

test('tries again when the service is away, and gives up in the end with the reason', async () => {
  let calls = 0
  const kinesis = async () => {
    calls++
    throw new AwsError('InternalFailure', 500, 'away')
  }
  await assert.rejects(
    putRecords({ kinesis, stream: 's', records: [record('a')], clock: AT_ONCE }),
    /0 records are stored; .*InternalFailure: away/,
  )
  assert.equal(calls, 10)
})

test('does not try again what is refused for good', async () => {
  const kinesis = async () => {
    throw new AwsError('ResourceNotFoundException', 400, 'Stream s not found')
  }
  await assert.rejects(putRecords({ kinesis, stream: 's', records: [record('a')], clock: AT_ONCE }), {
    code: 'KCL_USAGE',
    message: /Stream s not found/,
  })
})

test('sends the hash key of a record that has one', async () => {
  const sent: object[] = []
  const kinesis = async (_action: string, request: object) => {
    const { Records } = request as { Records: object[] }
    sent.push(...Records)
    return { Records: Records.map(() => ({ SequenceNumber: '1' })) }
  }
  const records = [{ ...record('a', 0), hashKey: `8${'0'.repeat(31)}` }, record('b', 0)]
  await putRecords({ kinesis, stream: 's', records, clock: AT_ONCE })
  assert.deepEqual(sent, [
    { Data: '', PartitionKey: 'a', ExplicitHashKey: String(2n ** 127n) },
    { Data: '', PartitionKey: 'b' },
  ])
})

function record(partitionKey: string, size = 1): OutgoingRecord {
  return { partitionKey, data: Buffer.alloc(size) }
}
