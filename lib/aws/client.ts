// A small client for Kinesis and DynamoDB: JSON requests, signed by aws4. Keys come from the environment alone;
// on this machine any will do, and so made-up ones are used.

import aws4 from 'aws4'
import { UsageError } from '../errors.ts'

/** Where to send requests, and as whom. */
export interface AwsPlace {
  readonly service: 'kinesis' | 'dynamodb'
  /** The endpoint; without one, the service's own in the region. */
  readonly endpoint?: string | undefined
  readonly region: string
  readonly environment: Readonly<Record<string, string | undefined>>
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

/** Sends one request and returns its answer; throws AwsError where the service refuses it. */
export type AwsCall = (action: string, request: object) => Promise<Readonly<Record<string, unknown>>>

/** A client for one service; throws UsageError where there are no credentials for it. */
export function awsClient(place: AwsPlace): AwsCall {
  const { service, region } = place
  const url = new URL(place.endpoint ?? `https://${service}.${region}.amazonaws.com`)
  const keys = credentials(place)
  const version =
    service === 'kinesis'
      ? { target: 'Kinesis_20131202', json: '1.1' }
      : { target: 'DynamoDB_20120810', json: '1.0' }
  return async (action, request) => {
    const body = JSON.stringify(request)
    const headers = {
      'content-type': `application/x-amz-json-${version.json}`,
      'x-amz-target': `${version.target}.${action}`,
    }
    const signed = aws4.sign(
      { service, region, method: 'POST', host: url.host, path: url.pathname, headers, body },
      keys,
    )
    const response = await fetch(url, { method: 'POST', headers: ownHeaders(signed.headers), body })
    const text = await response.text()
    if (!response.ok) throw refusal(response.status, text)
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  }
}

/** Whether trying again may help: the service is busy or away, or nobody answered at all. */
export function mayRetry(error: unknown): boolean {
  if (!(error instanceof AwsError)) return error instanceof TypeError
  return (
    error.status >= 500 || /Throttl|LimitExceeded|ProvisionedThroughput|ResourceInUse/.test(error.exception)
  )
}

/** Whether an endpoint is on this machine. */
export function isLoopback(endpoint: string | undefined): boolean {
  if (endpoint === undefined || !URL.canParse(endpoint)) return false
  const { hostname } = new URL(endpoint)
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

function credentials({ endpoint, environment }: AwsPlace): {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
} {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment
  if (isLoopback(endpoint)) return { accessKeyId: 'local', secretAccessKey: 'local' }
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new UsageError(
      'There are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for instance by eval "$(aws configure export-credentials --format env)".',
    )
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  }
}

// fetch sets these two itself.
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
