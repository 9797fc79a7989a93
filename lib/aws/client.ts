// A small client for Kinesis and DynamoDB: JSON requests, signed by aws4. On this machine any keys will do, and so
// made-up ones are used; elsewhere they are found where the daemon would find its own.

import aws4 from 'aws4'
import type { Dispatcher } from 'undici'
import { DEFAULT_PROVIDERS, findKeys, type Keys, type Provider } from './credentials.ts'
import { endpointIn, isLoopback, proxyFor } from './places.ts'

/** Where to send requests, and as whom. */
export interface AwsPlace {
  readonly service: 'kinesis' | 'dynamodb'
  /** The endpoint; without one, the service's own in the region. */
  readonly endpoint?: string | undefined
  readonly region: string
  /** The daemon's credentials providers; without them, its default ones. */
  readonly providers?: readonly Provider[] | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How long to wait for an answer, in milliseconds. */
  readonly timeout?: number
}

/** An answer of the service that is not a success. */
export class AwsError extends Error {
  /** The exception's simple name, such as `ResourceNotFoundException`. */
  readonly exception: string
  readonly status: number

  constructor(exception: string, status: number, message: string) {
    super(`${exception}: ${message}`)
    this.exception = exception
    this.status = status
  }
}

/** Nobody answered; `reason` says why, in words. */
export class AwsUnreachable extends Error {
  readonly host: string
  readonly reason: string
  /** Whether another try would come to the same. */
  readonly permanent: boolean

  constructor(host: string, cause: unknown) {
    const code = codeOf(cause)
    const reason = REASONS[code ?? ''] ?? innermost(cause)
    super(`Nothing answers at ${host}: ${reason}.`, { cause })
    this.host = host
    this.reason = reason
    this.permanent = code === 'ENOTFOUND' || /CERT|TLS|SSL|SELF_SIGNED|VERIFY/.test(code ?? '')
  }
}

/** Sends one request and returns its answer; throws AwsError, AwsUnreachable, NoKeys or UnknownProvider. */
export type AwsCall = (action: string, request: object) => Promise<Readonly<Record<string, unknown>>>

/** A client for one service. Keys are looked for at the first request, and again before they expire. */
export function awsClient(place: AwsPlace): AwsCall {
  const { service, region, environment, timeout = TIMEOUT } = place
  const url = new URL(place.endpoint ?? endpointIn(service, region, environment))
  const version =
    service === 'kinesis'
      ? { target: 'Kinesis_20131202', json: '1.1' }
      : { target: 'DynamoDB_20120810', json: '1.0' }
  let keys: Promise<Keys> | undefined
  return async (action, request) => {
    if (keys === undefined || expiresSoon(await keys)) keys = keysFor(place)
    const body = JSON.stringify(request)
    const headers = {
      'content-type': `application/x-amz-json-${version.json}`,
      'x-amz-target': `${version.target}.${action}`,
    }
    const signed = aws4.sign(
      { service, region, method: 'POST', host: url.host, path: url.pathname, headers, body },
      await keys,
    )
    const { status, text } = await post(
      url,
      { headers: ownHeaders(signed.headers), body },
      environment,
      timeout,
    )
    if (status < 200 || status > 299) throw refusal(status, text)
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }
}

/** Whether trying again may help: the service is busy or away, or nobody answered at all. */
export function mayRetry(error: unknown): boolean {
  if (error instanceof AwsUnreachable) return !error.permanent
  if (!(error instanceof AwsError)) return false
  return (
    error.status >= 500 || /Throttl|LimitExceeded|ProvisionedThroughput|ResourceInUse/.test(error.exception)
  )
}

function keysFor({ endpoint, region, providers = DEFAULT_PROVIDERS, environment }: AwsPlace): Promise<Keys> {
  if (isLoopback(endpoint)) return Promise.resolve({ accessKeyId: 'local', secretAccessKey: 'local' })
  return findKeys(providers, region, environment)
}

function expiresSoon({ expiration }: Keys): boolean {
  return expiration !== undefined && expiration.getTime() - Date.now() < EXPIRES_SOON
}

async function post(
  url: URL,
  { headers, body }: { headers: Record<string, string>; body: string },
  environment: Readonly<Record<string, string | undefined>>,
  timeout: number,
): Promise<{ status: number; text: string }> {
  // Not fetch: that of Node 20 knows no proxies, and it takes some ports for bad ones.
  const { request } = await import('undici')
  const proxy = proxyFor(url, environment)
  const dispatcher = proxy === undefined ? undefined : await proxyAgent(proxy)
  try {
    const { statusCode, body: answer } = await request(url, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(timeout),
      ...(dispatcher && { dispatcher }),
    })
    return { status: statusCode, text: await answer.text() }
  } catch (error) {
    throw new AwsUnreachable(proxy === undefined ? url.host : `${url.host} (by the proxy)`, error)
  }
}

// One for each proxy, as long as the process lives: it keeps connections.
function proxyAgent(proxy: string): Promise<Dispatcher> {
  const agent = proxyAgents.get(proxy) ?? import('undici').then(({ ProxyAgent }) => new ProxyAgent(proxy))
  proxyAgents.set(proxy, agent)
  return agent
}

// The client sets these two itself.
function ownHeaders(headers: object = {}): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
  return Object.fromEntries(entries.filter(([name]) => !/^(host|content-length)$/i.test(name)))
}

function refusal(status: number, text: string): AwsError {
  let body: { __type?: unknown; message?: unknown; Message?: unknown } = {}
  try {
    body = JSON.parse(text) as typeof body
  } catch {
    // Not from the service itself: a proxy's page, perhaps.
  }
  const type = typeof body.__type === 'string' ? body.__type.replace(/^.*[#.]/, '') : `HTTP ${status}`
  const message = body.message ?? body.Message ?? text.slice(0, 200)
  return new AwsError(type, status, String(message))
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'TimeoutError') return 'ETIMEDOUT'
  const { code } = error as NodeJS.ErrnoException
  return typeof code === 'string' && code !== '' ? code : codeOf(error.cause)
}

function innermost(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : innermost(error.cause)
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was broken off',
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host is not known',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'no answer',
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
}
const proxyAgents = new Map<string, Promise<Dispatcher>>()
const TIMEOUT = 30_000
const EXPIRES_SOON = 60_000
