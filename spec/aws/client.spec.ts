import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { AwsError, AwsUnreachable, awsClient, mayRetry } from '../../lib/aws/client.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'SECRET' }

test('signs its requests, and tells an answer from a refusal', async (t) => {
  const seen: string[] = []
  const port = await listen(
    t,
    createServer((request, response) => {
      seen.push(`${request.headers['x-amz-target']} ${request.headers.authorization}`)
      if (seen.length === 1) response.end('{"a":1}')
      else {
        response.statusCode = 400
        response.end('{"__type":"com.amazonaws.kinesis#LimitExceededException","message":"slow down"}')
      }
    }),
  )
  const call = awsClient({
    service: 'kinesis',
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-west-1',
    environment: {},
  })
  assert.deepEqual(await call('ListStreams', {}), { a: 1 })
  assert.match(
    seen[0] ?? '',
    /^Kinesis_20131202\.ListStreams AWS4-HMAC-SHA256 Credential=local\/\d+\/eu-west-1\/kinesis\//,
  )
  const error = await call('ListStreams', {}).catch((reason: unknown) => reason)
  assert.ok(error instanceof AwsError)
  assert.equal(error.exception, 'LimitExceededException')
  assert.equal(mayRetry(error), true)
})

test('goes through the proxy that the environment names', async (t) => {
  const target = await listen(
    t,
    createServer((_, response) => response.end('{"through":"the proxy"}')),
  )
  const asked: string[] = []
  const proxy = createServer().on('connect', (request, socket, head) => {
    asked.push(request.url ?? '')
    const up = connect(target, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      up.write(head)
      socket.pipe(up).pipe(socket)
    })
    for (const end of [socket, up])
      end.on('error', () => {}).on('close', () => [socket, up].map((one) => one.destroy()))
  })
  const port = await listen(t, proxy)
  const call = awsClient({
    service: 'kinesis',
    endpoint: 'http://kinesis.example.invalid',
    region: 'eu-west-1',
    environment: { ...KEYS, HTTP_PROXY: `http://127.0.0.1:${port}` },
  })
  assert.deepEqual(await call('ListStreams', {}), { through: 'the proxy' })
  assert.deepEqual(asked, ['kinesis.example.invalid:80'])
})

test('says in words why nobody answers, and whether another try may help', async () => {
  const ask = (endpoint: string): Promise<unknown> =>
    awsClient({ service: 'kinesis', endpoint, region: 'eu-west-1', environment: KEYS })(
      'ListStreams',
      {},
    ).catch((reason: unknown) => reason)
  const refused = await ask('http://127.0.0.1:1')
  assert.ok(refused instanceof AwsUnreachable)
  assert.equal(refused.message, 'Nothing answers at 127.0.0.1:1: connection refused.')
  assert.equal(mayRetry(refused), true)
  const unknown = await ask('http://kinesis.example.invalid')
  assert.ok(unknown instanceof AwsUnreachable)
  assert.match(unknown.message, /the host is not known/)
})

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}
