import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { UsageError } from '../../lib/errors.ts'
import { type HttpOptions, type HttpServer, readHttpAddress, serveHttp } from '../../lib/http/server.ts'
import { readExposition } from '../helpers/exposition.ts'
import { TestWorker } from '../helpers/worker.ts'

describe('probes', () => {
  test('liveness is fine for a worker that has not begun, and fails for a stuck shard, by name', async (t) => {
    const { run, get } = await serve(t)
    for (const path of ['/livez', '/healthz']) assert.deepEqual(await get(path), [200, 'ok\n'])
    run.report('a', { action: 'processRecords', progressMs: 600_000 })
    run.report('b', { action: 'processRecords', progressMs: 120_000, lagMs: 9_000_000 })
    for (const path of ['/livez', '/healthz']) {
      assert.deepEqual(await get(path), [503, '[-] a: no progress for 600 s (--stuck-after)\n'])
    }
    assert.deepEqual(await get('/livez?verbose'), [
      503,
      '[+] b slow\n[-] a: no progress for 600 s (--stuck-after)\nlivez check failed\n',
    ])
  })

  test('readiness comes with the daemon, and goes with the stop', async (t) => {
    const { run, get } = await serve(t)
    assert.deepEqual(await get('/readyz'), [503, '[-] the daemon has not begun to work\n'])
    run.worker.began()
    assert.deepEqual(await get('/readyz'), [200, 'ok\n'])
    assert.deepEqual(await get('/readyz?verbose'), [200, '[+] the worker is running\nreadyz check passed\n'])
    run.worker.phase = 'draining'
    assert.deepEqual(await get('/readyz'), [503, '[-] the worker is stopping\n'])
  })
})

test('tells the shards as JSON, with the lines of the consumers masked', async (t) => {
  const { run, get } = await serve(t, { mask: (line) => line.replace('secret', '***') })
  run.report('a', { lagMs: 0 })
  run.worker.heard('a', 'my secret')
  const [status, body] = await get('/shards.json')
  const view = JSON.parse(body) as { application: string; shards: { shard: string; log: string[] }[] }
  assert.deepEqual([status, view.application, view.shards[0]?.log], [200, 'demo', ['my ***']])
})

test('keeps the lines of the consumers to itself where it is told to', async (t) => {
  const { run, get } = await serve(t, { logs: false })
  run.report('a')
  run.worker.heard('a', 'a line')
  const view = JSON.parse((await get('/shards.json'))[1]) as { shards: { log: string[] }[] }
  assert.deepEqual(view.shards[0]?.log, [])
})

test('tells the metrics in the text that a server of Prometheus takes', async (t) => {
  const { server } = await serve(t)
  const answer = await fetch(`${server.url}metrics`)
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  assert.ok(readExposition(await answer.text()).has('kcl_session_info'))
})

test('lets a browser run the page and nothing else', async (t) => {
  const { server } = await serve(t)
  const answer = await fetch(server.url)
  assert.match(await answer.text(), /^<!doctype html>/)
  const policy = answer.headers.get('content-security-policy') ?? ''
  assert.match(
    policy,
    /^default-src 'none'; script-src 'sha256-[^ ]+'; style-src 'sha256-[^ ]+'; connect-src 'self';/,
  )
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe/)
  const headers = [
    'x-content-type-options',
    'referrer-policy',
    'cache-control',
    'cross-origin-resource-policy',
  ]
  assert.deepEqual(
    headers.map((name) => answer.headers.get(name)),
    ['nosniff', 'no-referrer', 'no-store', 'same-origin'],
  )
  assert.equal(answer.headers.get('access-control-allow-origin'), null)
})

describe('only asks for what can be seen are answered', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    test(`${method} is refused`, async (t) => {
      const { server } = await serve(t)
      const answer = await fetch(`${server.url}livez`, { method })
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'])
    })
  }

  test('HEAD is answered without a body', async (t) => {
    const { server } = await serve(t)
    const answer = await fetch(`${server.url}livez`, { method: 'HEAD' })
    assert.deepEqual(
      [answer.status, answer.headers.get('content-length'), await answer.text()],
      [200, '3', ''],
    )
  })

  test('an unknown path is told what there is', async (t) => {
    const { get } = await serve(t)
    assert.equal((await get('/shards'))[0], 404)
  })
})

describe('the Host that is asked for', () => {
  const hosts: readonly [string, number][] = [
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['127.0.0.1', 200],
    ['10.1.2.3:8080', 200],
    ['[::1]:8080', 200],
    ['[2001:db8::1]', 200],
    ['pod.example', 200],
    ['POD.example:80', 200],
    ['evil.example', 421],
    ['pod.example.evil', 421],
    ['localhost.evil', 421],
    ['127.0.0.1.evil', 421],
    ['127.0.0.1:80:80', 421],
    ['user@127.0.0.1', 421],
    ['[::1', 421],
  ]
  for (const [host, expected] of hosts) {
    test(`${host}: ${expected}`, async (t) => {
      const { server, run } = await serve(t)
      assert.equal(await statusFor({ ...server }, host), expected)
      assert.deepEqual(run.told, [])
    })
  }

  test('a request without the header is refused', async (t) => {
    const { server } = await serve(t)
    for (const version of ['1.0', '1.1', '1.1\r\nHost:']) {
      const socket = connect(server.port, server.host)
      socket.end(`GET /shards.json HTTP/${version}\r\n\r\n`)
      let text = ''
      for await (const chunk of socket) text += chunk
      assert.match(text, /^HTTP\/1\.1 4(00|21) /)
    }
  })
})

test('a port that is in use is a mistake of the user', async (t) => {
  const { server } = await serve(t)
  await assert.rejects(
    serveHttp({
      ...OPTIONS,
      view: () => new TestWorker().worker.view(),
      host: '127.0.0.1',
      port: server.port,
    }),
    (error: unknown) => error instanceof UsageError && /in use\. Choose another one\.$/.test(error.message),
  )
})

describe('an address is', () => {
  const good: readonly [string, string, number][] = [
    ['8080', '127.0.0.1', 8080],
    ['0', '127.0.0.1', 0],
    ['0.0.0.0:9090', '0.0.0.0', 9090],
    ['[::1]:80', '::1', 80],
    ['localhost:1', 'localhost', 1],
  ]
  for (const [text, host, port] of good) {
    test(text, () => assert.deepEqual(readHttpAddress(text), { host, port }))
  }
  for (const text of ['', 'x', '65536', ':80', '::1:80', '[::1]', '80:', '1.5', '-1', 'http://x:1']) {
    test(`not ${JSON.stringify(text)}`, () => assert.throws(() => readHttpAddress(text), UsageError))
  }
})

interface Served {
  readonly run: TestWorker
  readonly server: HttpServer
  get(path: string): Promise<[status: number, body: string]>
}

async function serve(t: TestContext, parts: Partial<HttpOptions> = {}): Promise<Served> {
  const run = new TestWorker()
  const options = { ...OPTIONS, view: () => run.worker.view(), host: '127.0.0.1', ...parts }
  const server = await serveHttp(options)
  // What was given with --http may be a name; here it would have to be one that leads to this machine.
  options.host = 'pod.example'
  t.after(() => server.close())
  return {
    run,
    server,
    async get(path) {
      const answer = await fetch(new URL(path, server.url))
      return [answer.status, await answer.text()]
    },
  }
}

async function statusFor({ host, port }: HttpServer, header: string): Promise<number | undefined> {
  const asked = request({ host, port, path: '/shards.json', headers: { host: header } })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
  answer.resume()
  return answer.statusCode
}

const OPTIONS = { port: 0, logs: true, mask: (line: string) => line }
