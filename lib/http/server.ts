// `--http`: probes, metrics, the shards as JSON, and the page. Plain HTTP for this machine or behind a proxy.
// Rule: it only tells. No request changes anything, and none gets more than a name in the address bar would:
// names of hosts that a browser could be lured to, other methods and other sites' scripts are refused.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import type { WorkerView } from '../children/worker-view.ts'
import { UsageError } from '../errors.ts'
import { METRICS_TYPE, metricsText } from './metrics.ts'
import { pageSecurity, pageText } from './page.ts'
import { livez, type ProbeAnswer, readyz } from './probes.ts'

/** Where to listen. */
export interface HttpAddress {
  readonly host: string
  readonly port: number
}

export interface HttpOptions extends HttpAddress {
  readonly view: () => WorkerView
  /** Whether the consumers' last lines are served; only this machine gets them otherwise. */
  readonly logs: boolean
  /** Takes secrets out of a line. */
  readonly mask: (line: string) => string
}

/** A running server. */
export interface HttpServer extends HttpAddress {
  /** For people: where the page is. */
  readonly url: string
  close(): Promise<void>
}

/** Reads `[HOST:]PORT`; throws UsageError. Without a host, this machine alone is served. */
export function readHttpAddress(text: string): HttpAddress {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) {
    throw new UsageError(
      `--http=${text}: give a port, or HOST:PORT, such as 8080, 0.0.0.0:8080 or [::1]:8080.`,
    )
  }
  return { host: bracketed ?? plain ?? '127.0.0.1', port }
}

/** Starts to serve; throws UsageError where the port cannot be had. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const server = createServer((request, response) => respond(request, response, options))
  server.requestTimeout = PATIENCE
  server.headersTimeout = PATIENCE
  server.keepAliveTimeout = PATIENCE
  server.maxConnections = MOST_CONNECTIONS
  await listen(server, options)
  const { address, port } = server.address() as AddressInfo
  const host = ['0.0.0.0', '::'].includes(address) ? 'localhost' : address
  return {
    host: address,
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function respond(request: IncomingMessage, response: ServerResponse, options: HttpOptions): void {
  const { status, type, body, headers } = answerTo(request, options)
  response.writeHead(status, {
    ...HEADERS,
    ...headers,
    'content-security-policy': pageSecurity(),
    'content-type': type,
    'content-length': Buffer.byteLength(body),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

function answerTo({ method, url = '', headers }: IncomingMessage, options: HttpOptions): Answer {
  if (method !== 'GET' && method !== 'HEAD') {
    return { ...plain(405, 'GET and HEAD only'), headers: { allow: 'GET, HEAD' } }
  }
  if (!isKnownHost(headers.host, options.host)) return plain(421, 'unknown host')
  const [path, query] = url.split('?', 2)
  const verbose = new URLSearchParams(query).has('verbose')
  switch (path) {
    case '/livez':
    case '/healthz':
      return probed(livez(options.view(), verbose))
    case '/readyz':
      return probed(readyz(options.view(), verbose))
    case '/metrics':
      return { status: 200, type: METRICS_TYPE, body: metricsText(options.view()) }
    case '/shards.json':
      return { status: 200, type: JSON_TYPE, body: `${JSON.stringify(shown(options))}\n` }
    case '/':
      return { status: 200, type: 'text/html; charset=utf-8', body: pageText() }
    default:
      return plain(404, 'There are /, /shards.json, /metrics, /livez, /healthz and /readyz.')
  }
}

function plain(status: number, line: string): Answer {
  return { status, type: TEXT, body: `${line}\n` }
}

function probed({ ok, text }: ProbeAnswer): Answer {
  return { status: ok ? 200 : 503, type: TEXT, body: text }
}

// A page of another site could have its own name lead here (DNS rebinding). Addresses and localhost it cannot have.
function isKnownHost(header: string | undefined, given: string): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(header ?? '') ?? []
  const host = (bracketed ?? plain ?? '').toLowerCase()
  return isIP(host) > 0 || host === 'localhost' || (host !== '' && host === given.toLowerCase())
}

function shown({ view, logs, mask }: HttpOptions): WorkerView {
  const worker = view()
  const shards = worker.shards.map((shard) => ({ ...shard, log: logs ? shard.log.map(mask) : [] }))
  return { ...worker, shards }
}

async function listen(server: Server, { host, port }: HttpAddress): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'the port is in use' : message
    throw new UsageError(`--http=${host}:${port}: ${why}. Choose another one.`, { cause: error })
  }
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
const PATIENCE = 5000
const MOST_CONNECTIONS = 64
