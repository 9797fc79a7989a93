// The local Kinesis for a spec, without DynamoDB and without Java, and a proxy in front of it that can break things.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type AwsCall, awsClient } from '../../lib/aws/client.ts'
import { findKinesisLocal, kinesisEnvironment } from '../../lib/local/kinesis-server.ts'
import { type OutgoingRecord, putRecords } from '../../lib/local/put.ts'
import { systemClock } from '../../lib/time.ts'

const REGION = 'us-east-1'

/** A running local Kinesis. */
export class LocalKinesis {
  readonly endpoint: string
  readonly call: AwsCall
  readonly #child: ChildProcess

  private constructor(endpoint: string, child: ChildProcess) {
    this.endpoint = endpoint
    this.call = clientFor(endpoint)
    this.#child = child
  }

  static async start(): Promise<LocalKinesis> {
    const folder = await findKinesisLocal({ environment: process.env, note: () => {} })
    const [port, tlsPort] = [await freePort(), await freePort()]
    const child = spawn(process.execPath, [join(folder, 'main.js')], {
      cwd: folder,
      env: { ...process.env, ...kinesisEnvironment({ port, tlsPort, region: REGION }) },
      stdio: 'ignore',
    })
    const kinesis = new LocalKinesis(`http://127.0.0.1:${port}`, child)
    await kinesis.#eventually(() => kinesis.call('ListStreams', {}))
    return kinesis
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  /** Makes a stream, and waits until it can be used. */
  async createStream(name: string, shards: number): Promise<void> {
    await this.call('CreateStream', { StreamName: name, ShardCount: shards })
    await this.#active(name)
  }

  async split(stream: string, shardId: string, at: bigint): Promise<void> {
    const request = { StreamName: stream, ShardToSplit: shardId, NewStartingHashKey: String(at) }
    await this.call('SplitShard', request)
    await this.#active(stream)
  }

  put(stream: string, records: Iterable<OutgoingRecord>): Promise<number> {
    return putRecords({ kinesis: this.call, stream, records, clock: systemClock })
  }

  #active(name: string): Promise<void> {
    return this.#eventually(async () => {
      const { StreamDescriptionSummary } = (await this.call('DescribeStreamSummary', {
        StreamName: name,
      })) as { StreamDescriptionSummary: { StreamStatus: string } }
      if (StreamDescriptionSummary.StreamStatus !== 'ACTIVE') throw new Error(`${name} is not active`)
    })
  }

  async #eventually(ask: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await ask()
        return
      } catch (error) {
        if (attempt === 600 || this.#child.exitCode !== null) throw error
        await setTimeout(100)
      }
    }
  }
}

/** A request that went through the proxy. */
export interface Passed {
  readonly action: string
  readonly request: Readonly<Record<string, unknown>>
}

/** What the proxy answers itself, or null to pass the request on. */
export type Tamper = (passed: Passed) => { status: number; exception: string } | null

/** A proxy in front of a service; it remembers every request, and tampers with those it is told to. */
export async function startProxy(
  t: TestContext,
  target: string,
  tamper: Tamper,
): Promise<{ endpoint: string; passed: Passed[] }> {
  const passed: Passed[] = []
  const server: Server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const action = String(incoming.headers['x-amz-target']).split('.')[1] ?? ''
    const one = { action, request: JSON.parse(body.toString()) as Record<string, unknown> }
    passed.push(one)
    const answer = tamper(one)
    if (answer !== null) {
      outgoing
        .writeHead(answer.status)
        .end(JSON.stringify({ __type: answer.exception, message: 'by the spec' }))
      return
    }
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Kinesis_20131202.${action}`,
    }
    const authorization = String(incoming.headers.authorization)
    const response = await fetch(target, {
      method: 'POST',
      headers: { ...headers, authorization, 'x-amz-date': String(incoming.headers['x-amz-date']) },
      body,
    })
    outgoing.writeHead(response.status).end(Buffer.from(await response.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, passed }
}

function clientFor(endpoint: string): AwsCall {
  return awsClient({ service: 'kinesis', endpoint, region: REGION, environment: {} })
}

async function freePort(): Promise<number> {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
