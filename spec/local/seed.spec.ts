import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProperties } from '../../lib/launcher/configuration/properties.ts'
import { localProperties } from '../../lib/local/local-properties.ts'
import { seed } from '../../lib/local/seed.ts'

const PLACE = { region: 'us-east-1', streamName: 'words', applicationName: 'demo' }

test('never seeds tables that are not on this machine', async () => {
  const local = 'http://localhost:1'
  for (const [kinesisEndpoint, dynamoDBEndpoint] of [
    ['https://kinesis.us-east-1.amazonaws.com', local],
    [local, 'https://dynamodb.us-east-1.amazonaws.com'],
    [local, 'http://localhost.example.com'],
  ] as const) {
    await assert.rejects(
      seed({ ...PLACE, kinesisEndpoint, dynamoDBEndpoint, shards: 1 }),
      /only ever seeded on this machine/,
    )
  }
})

test('prints properties that Java reads back, with addresses as people write them', () => {
  const text = localProperties({
    ...PLACE,
    kinesisEndpoint: 'http://localhost:1',
    dynamoDBEndpoint: 'http://localhost:2',
  })
  assert.match(text, /^kinesisEndpoint=http:\/\/localhost:1$/m)
  const read = new Map(parseProperties(Buffer.from(text), 'x').map(({ key, value }) => [key, value]))
  assert.equal(read.get('dynamoDBEndpoint'), 'http://localhost:2')
  assert.equal(read.has('workerIdentifier'), false)
})
