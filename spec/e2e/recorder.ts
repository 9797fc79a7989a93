// Stands before a service of the local stack, passes everything on, and writes down what was asked for. The daemon
// speaks HTTP/2 to Kinesis from the first byte on, and HTTP/1.1 to the others: the first bytes say who serves it.

import { createServer, type IncomingHttpHeaders, request as send } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'

/** One request. */
export interface Asked {
  readonly action: string
  /** What the request says, where it is JSON. */
  readonly request: Readonly<Record<string, unknown>>
}

/** Requests to one service. */
export class Recorder {
  readonly endpoint: string
  #asked: Asked[] = []

  private constructor(endpoint: string) {
    this.endpoint = endpoint
  }

  /** Stands before the service there; without one, or for what that one does not know, it grants all by itself. */
  static async start(t: TestContext, service?: string, unknown = ''): Promise<Recorder> {
    const answer = async (headers: IncomingHttpHeaders, body: Readable, begin: Begin): Promise<void> => {
      const sent = await buffer(body)
      const action = recorder.#note(headers, sent)
      if (service === undefined || action === unknown) begin(200, {}).end()
      else forward(service, headers, sent, begin)
    }
    const http1 = createServer((request, response) => {
      void answer(request.headers, request, (status, headers) => response.writeHead(status, headers))
    })
    const http2 = createHttp2Server().on('stream', (stream, { ...headers }) => {
      stream.on('error', () => {})
      void answer(headers as IncomingHttpHeaders, stream, (status, rest) => {
        if (!stream.destroyed) stream.respond({ ':status': status, ...rest })
        return stream
      })
    })
    const sockets = new Set<Socket>()
    const server = createTcpServer((socket) => {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .once('readable', () => {
          const first: Buffer | null = socket.read()
          if (first === null) return
          socket.unshift(first)
          const chosen = first.toString('latin1', 0, 3) === 'PRI' ? http2 : http1
          chosen.emit('connection', socket)
        })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    const recorder = new Recorder(`http://localhost:${(server.address() as AddressInfo).port}`)
    return recorder
  }

  /** What was asked for since the last time. */
  take(): Asked[] {
    return this.#asked.splice(0)
  }

  // CloudWatch names its action in the body, the others in a header.
  #note(headers: IncomingHttpHeaders, body: Buffer): string {
    const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
    const target = String(headers['x-amz-target'] ?? '').split('.')[1]
    const action = target ?? new URLSearchParams(text).get('Action') ?? ''
    this.#asked.push({ action, request: target === undefined ? {} : readJson(text) })
    return action
  }
}

type Begin = (status: number, headers: Record<string, string>) => Writable

function forward(service: string, headers: IncomingHttpHeaders, body: Buffer, begin: Begin): void {
  const kept = Object.entries(headers).filter(([name]) => !/^(:|host$|connection$)/.test(name))
  const passed = send(service, { method: 'POST', headers: Object.fromEntries(kept) }, (response) => {
    const back = Object.entries(response.headers).filter(([name]) => !OF_ONE_HOP.test(name))
    response.pipe(begin(response.statusCode ?? 500, Object.fromEntries(back) as Record<string, string>))
  })
  passed.on('error', () => begin(502, {}).end())
  passed.end(body)
}

// The daemon speaks CBOR to Kinesis.
function readJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

const OF_ONE_HOP = /^(connection|keep-alive|transfer-encoding)$/
