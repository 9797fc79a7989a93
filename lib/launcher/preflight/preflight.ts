// What is asked of AWS before Java starts: are there credentials, is the stream there, is the lease table this
// stream's. A mistyped name must not cost an application its leases. What may not be asked, or cannot be reached, is
// told and passed: only an answer refuses a start. Nothing is changed anywhere.

import { type AwsCall, AwsError, AwsUnreachable, mayRetry } from '../../aws/client.ts'
import { NoKeys, UnknownProvider } from '../../aws/credentials.ts'
import { clientFor } from '../configuration/clients.ts'
import type { Finding } from '../configuration/lint/finding.ts'
import { regionOf } from '../configuration/region.ts'
import type { Setting } from '../configuration/setting.ts'
import { explain, keepsTrying, refused } from '../supervision/causes.ts'
import { type Lease, strangeness, telling } from './lease-table.ts'
import { disowned, lookAtStream, patiently, shardsOf, streamNameOf } from './stream.ts'

type Settings = ReadonlyMap<string, Setting>
type Environment = Readonly<Record<string, string | undefined>>

/** Everything that AWS says against starting with these settings, and what could not be asked. */
export async function preflight(settings: Settings, environment: Environment): Promise<Finding[]> {
  const findings = await ask(settings, environment)
  return findings.map((finding) =>
    finding.severity === 'error'
      ? { ...finding, remedy: `${finding.remedy ?? ''} --no-preflight starts without looking.`.trim() }
      : finding,
  )
}

async function ask(settings: Settings, environment: Environment): Promise<Finding[]> {
  const stream = streamNameOf(settings)
  const region = regionOf(settings, environment)
  if (stream === undefined) return []
  const kinesis = clientFor('kinesis', settings, environment, PATIENCE)
  if (region === undefined || kinesis === undefined)
    return [passed('regionName', 'nothing but the instance itself names the region')]
  try {
    const { trouble } = await lookAtStream(kinesis, stream, region, settings.get('streamArn')?.value.trim())
    if (trouble !== undefined) return [trouble]
  } catch (error) {
    return [findingOf(error, 'the stream', { stream, region, settings })]
  }
  try {
    const trouble = await tableTrouble(kinesis, stream, settings, environment)
    return trouble === undefined ? [] : [trouble]
  } catch (error) {
    return [findingOf(error, 'the lease table', { stream, region, settings })]
  }
}

async function tableTrouble(
  kinesis: AwsCall,
  stream: string,
  settings: Settings,
  environment: Environment,
): Promise<Finding | undefined> {
  const table = settings.get('tableName')?.value.trim() || settings.get('applicationName')?.value.trim()
  if (!table) return undefined
  const dynamoDB = clientFor('dynamodb', settings, environment, PATIENCE)
  const leases = dynamoDB === undefined ? [] : await leasesIn(dynamoDB, table)
  if (leases.length === 0) return undefined
  const shards = await shardsOf(kinesis, stream)
  const strange = strangeness(leases, shards) ?? (await disowned(kinesis, stream, telling(leases, shards)))
  if (strange === undefined) return timeless(leases, settings)
  return {
    severity: 'error',
    key: settings.has('tableName') ? 'tableName' : 'applicationName',
    message: `The lease table ${table} belongs to another stream than ${stream}, or to one of that name before: ${strange}.`,
    remedy: `Correct streamName, or give this application a name of its own; if the stream was made anew, delete the table.`,
  }
}

// A lease that began at a time is read from the time that this start names, and from none at all otherwise.
function timeless(leases: readonly Lease[], settings: Settings): Finding | undefined {
  const lease = leases.find(({ checkpoint }) => checkpoint === 'AT_TIMESTAMP')
  if (lease === undefined || settings.has('initialPositionInStreamExtended')) return undefined
  const key = 'initialPositionInStream'
  if (settings.get(key)?.value.trim().toUpperCase() === 'LATEST') return undefined
  return {
    severity: 'error',
    key,
    message: `Nothing of ${lease.shardId} is stored yet, and its lease was made to begin at a time; this start names none, and the daemon would never read that shard.`,
    remedy:
      'Give initialPositionInStreamExtended, or LATEST for the time of this start; "kcl-session reset --to=earliest" begins all shards anew.',
  }
}

async function leasesIn(dynamoDB: AwsCall, table: string): Promise<Lease[]> {
  type Text = { S?: string } | undefined
  let answer: { Items?: Record<string, Text>[] }
  try {
    answer = (await patiently(dynamoDB, 'Scan', {
      TableName: table,
      ProjectionExpression: 'leaseKey, checkpoint, startingHashKey, endingHashKey',
      Limit: MOST_LEASES,
    })) as typeof answer
  } catch (error) {
    if (error instanceof AwsError && error.exception === 'ResourceNotFoundException') return []
    throw error
  }
  return (answer.Items ?? []).flatMap(({ leaseKey, checkpoint, startingHashKey, endingHashKey }) => {
    if (leaseKey?.S === undefined || checkpoint?.S === undefined) return []
    return {
      shardId: leaseKey.S,
      checkpoint: checkpoint.S,
      startingHashKey: startingHashKey?.S,
      endingHashKey: endingHashKey?.S,
    }
  })
}

function findingOf(
  error: unknown,
  what: string,
  { stream, region, settings }: { stream: string; region: string; settings: Settings },
): Finding {
  const key = 'AwsCredentialsProvider'
  if (error instanceof NoKeys) return { severity: 'error', key, message: error.message }
  if (error instanceof UnknownProvider) return passed(key, error.message)
  if (error instanceof AwsUnreachable) {
    const trouble = keepsTrying(refused(error.host, error.reason))
    return { severity: 'warning', key: 'streamName', message: `${trouble} So ${what} was not looked at.` }
  }
  if (!(error instanceof AwsError)) throw error
  if (/AccessDenied|NotAuthorized|Unauthorized/.test(error.exception)) {
    return passed(key, `these credentials may not look at ${what} (${error.message})`)
  }
  const context = {
    streamName: stream,
    applicationName: settings.get('applicationName')?.value ?? '',
    region,
  }
  const words = explain(error.message, context)
  if (words === undefined || mayRetry(error)) {
    return { severity: 'warning', key, message: `${what} could not be looked at: ${error.message}.` }
  }
  return { severity: 'error', key, message: words }
}

// Not an error and no warning either: --strict must not make a start impossible for who may not list.
function passed(key: string, why: string): Finding {
  return {
    severity: 'info',
    key,
    message: `The stream and the lease table were not, or not both, looked at before the start: ${why}.`,
  }
}

const MOST_LEASES = 1000
const PATIENCE = 5000
