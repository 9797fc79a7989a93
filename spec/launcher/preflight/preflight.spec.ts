import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Finding } from '../../../lib/launcher/configuration/lint/finding.ts'
import { mergeSettings } from '../../../lib/launcher/configuration/settings.ts'
import { preflight } from '../../../lib/launcher/preflight/preflight.ts'

type Answer = object | { readonly status: number; readonly type: string; readonly message: string }

const SHARD = {
  ShardId: 'shardId-000000000000',
  HashKeyRange: { StartingHashKey: '0', EndingHashKey: '99' },
  SequenceNumberRange: { StartingSequenceNumber: '100' },
}
const LEASE = {
  leaseKey: { S: SHARD.ShardId },
  checkpoint: { S: '150' },
  startingHashKey: { S: '0' },
  endingHashKey: { S: '99' },
}
const FINE: Record<string, Answer> = {
  DescribeStreamSummary: { StreamDescriptionSummary: { StreamStatus: 'ACTIVE' } },
  ListShards: { Shards: [SHARD] },
  ListStreams: { StreamNames: ['words', 'orders'], HasMoreStreams: false },
  Scan: { Items: [LEASE] },
  GetShardIterator: { ShardIterator: 'x' },
}
const notFound = { status: 400, type: 'ResourceNotFoundException', message: 'not found' }
const denied = {
  status: 400,
  type: 'AccessDeniedException',
  message: 'User: arn:aws:iam::1:user/ann is not authorized to perform: kinesis:DescribeStreamSummary',
}

test('says nothing where the stream is there and the leases are its own', async (t) => {
  const { findings, asked } = await ask(t, FINE)
  assert.deepEqual(findings, [])
  assert.deepEqual(asked, ['DescribeStreamSummary', 'Scan', 'ListShards', 'GetShardIterator'])
})

test('refuses a stream that is not there, names the nearest one, and goes no further', async (t) => {
  const { findings, asked } = await ask(t, { ...FINE, DescribeStreamSummary: notFound }, 'ordres')
  assert.equal(findings[0]?.severity, 'error')
  assert.equal(
    sentence(findings),
    'There is no stream ordres in eu-west-1. Did you mean orders? Correct streamName or the region, or create it. --no-preflight starts without looking.',
  )
  assert.deepEqual(asked, ['DescribeStreamSummary', 'ListStreams'])
})

test('names no stream to who may not list them', async (t) => {
  const answers = { ...FINE, DescribeStreamSummary: notFound, ListStreams: denied }
  const { findings } = await ask(t, answers, 'ordres')
  assert.match(sentence(findings), /^There is no stream ordres in eu-west-1\. Correct/)
})

test('asks nothing more where there is no lease table yet', async (t) => {
  const { findings, asked } = await ask(t, { ...FINE, Scan: notFound })
  assert.deepEqual(findings, [])
  assert.deepEqual(asked, ['DescribeStreamSummary', 'Scan'])
})

test('refuses a lease table whose leases are not of this stream', async (t) => {
  for (const Items of [
    [{ ...LEASE, leaseKey: { S: 'shardId-000000000007' } }],
    [{ ...LEASE, endingHashKey: { S: '49' } }],
    [{ ...LEASE, checkpoint: { S: '99' } }],
  ]) {
    const { findings } = await ask(t, { ...FINE, Scan: { Items } })
    assert.equal(findings[0]?.severity, 'error')
    assert.match(sentence(findings), /^The lease table app belongs to another stream than words, or to one/)
  }
})

test('refuses a start without a time where a lease was made to begin at one', async (t) => {
  const answers = { ...FINE, Scan: { Items: [{ ...LEASE, checkpoint: { S: 'AT_TIMESTAMP' } }] } }
  for (const [key, value, refused] of [
    ['initialPositionInStream', 'TRIM_HORIZON', true],
    ['initialPositionInStream', 'latest', false],
    ['initialPositionInStreamExtended', '1700000000', false],
  ] as const) {
    const { findings } = await ask(t, answers, 'words', { [key]: value })
    if (refused)
      assert.match(
        sentence(findings),
        /^Nothing of shardId-000000000000 is stored yet.* Give initialPosition/,
      )
    else assert.deepEqual(findings, [])
  }
})

test('believes Kinesis about a position where ranges cannot tell', async (t) => {
  const strange = {
    status: 400,
    type: 'InvalidArgumentException',
    message:
      'StartingSequenceNumber 150 used in GetShardIterator on shard … is invalid because it did not come from this stream.',
  }
  const { findings } = await ask(t, { ...FINE, GetShardIterator: strange })
  assert.match(sentence(findings), /belongs to another stream.*Kinesis does not know the position/)
})

test('says that it may not look, and goes on', async (t) => {
  for (const action of ['DescribeStreamSummary', 'Scan', 'ListShards']) {
    const { findings } = await ask(t, { ...FINE, [action]: denied })
    assert.deepEqual(
      findings.map(({ severity }) => severity),
      ['info'],
    )
    assert.match(sentence(findings), /may not look at .*not authorized to perform/)
  }
})

test('refuses credentials that AWS refuses', async (t) => {
  const invalid = {
    status: 400,
    type: 'UnrecognizedClientException',
    message: 'The security token included in the request is invalid.',
  }
  const { findings } = await ask(t, { ...FINE, DescribeStreamSummary: invalid })
  assert.equal(findings[0]?.severity, 'error')
  assert.match(sentence(findings), /AWS does not accept the credentials/)
})

test('warns and goes on where nobody answers', async () => {
  const findings = await preflight(settings('http://127.0.0.1:1', 'words'), {})
  assert.deepEqual(
    findings.map(({ severity }) => severity),
    ['warning'],
  )
  assert.match(sentence(findings), /Nothing answers at 127\.0\.0\.1:1: connection refused.*was not looked at/)
})

test('refuses a start without credentials, and passes providers that only Java has', async () => {
  const away = (provider: string) =>
    preflight(settings('https://kinesis.invalid', 'words', { AwsCredentialsProvider: provider }), {
      AWS_REGION: 'eu-west-1',
    })
  const [none] = await away('EnvironmentVariableCredentialsProvider')
  assert.equal(none?.severity, 'error')
  assert.match(none?.message ?? '', /There are no AWS credentials/)
  const [own] = await away('com.example.Vault|x')
  assert.equal(own?.severity, 'info')
})

async function ask(
  t: TestContext,
  answers: Record<string, Answer>,
  stream = 'words',
  more: Readonly<Record<string, string>> = {},
) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    asked.push(action)
    const answer = answers[action] ?? {}
    if ('status' in answer) {
      response.statusCode = answer.status
      response.end(JSON.stringify({ __type: answer.type, message: answer.message }))
    } else response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { findings: await preflight(settings(endpoint, stream, more), {}), asked }
}

function settings(endpoint: string, streamName: string, more: Readonly<Record<string, string>> = {}) {
  const values = {
    streamName,
    applicationName: 'app',
    regionName: 'eu-west-1',
    kinesisEndpoint: endpoint,
    dynamoDBEndpoint: endpoint,
    AwsCredentialsProvider: 'DefaultCredentialsProvider',
    ...more,
  }
  return mergeSettings(
    Object.entries(values).map(([key, value]) => ({ key, value, source: 'flag', place: `--${key}` })),
  ).settings
}

function sentence([finding]: readonly Finding[]): string {
  return `${finding?.message} ${finding?.remedy ?? ''}`.trim()
}
