// What is asked of AWS before Java starts: are there credentials, is the stream there, is the lease table this
// stream's. A mistyped name must not cost an application its leases. What may not be asked, or cannot be reached, is
// told and passed: only an answer refuses a start. Nothing is changed anywhere.

import { type AwsCall, AwsError, AwsUnreachable, mayRetry } from '../../aws/client.ts'
import { NoKeys, UnknownProvider } from '../../aws/credentials.ts'
import { setTimeout } from '../../timers.ts'
import { nearest } from '../configuration/catalogue/nearest.ts'
import { clientFor } from '../configuration/clients.ts'
import type { Finding } from '../configuration/lint/finding.ts'
import { regionOf } from '../configuration/region.ts'
import type { Setting } from '../configuration/setting.ts'
import { explain, keepsTrying, refused } from '../supervision/causes.ts'
import { type Lease, type Shard, strangeness, telling } from './lease-table.ts'

type Settings = ReadonlyMap<string, Setting>
type Environment = Readonly<Record<string, string | undefined>>

/** Everything that AWS says against starting with these settings, and what could not be asked. */
export async function preflight(settings: Settings, environment: Environment): Promise<Finding[]> {
  const stream = streamNameOf(settings)
  const region = regionOf(settings, environment)
  if (stream === undefined) return []
  const kinesis = clientFor('kinesis', settings, environment, PATIENCE)
  if (region === undefined || kinesis === undefined)
    return [passed('regionName', 'nothing but the instance itself names the region')]
  try {
    const missing = await streamTrouble(kinesis, stream, region, settings.get('streamArn')?.value.trim())
    if (missing !== undefined) return [missing]
  } catch (error) {
    return [findingOf(error, 'the stream', { stream, region, settings })]
  }
  try {
    const foreign = await tableTrouble(kinesis, stream, settings, environment)
    return foreign === undefined ? [] : [foreign]
  } catch (error) {
    return [findingOf(error, 'the lease table', { stream, region, settings })]
  }
}

/** The stream's name, from the name or the ARN, as the daemon takes it. */
export function streamNameOf(settings: Settings): string | undefined {
  const arn = settings.get('streamArn')?.value.trim()
  return arn?.slice(arn.lastIndexOf('/') + 1) || settings.get('streamName')?.value.trim() || undefined
}

/** What is wrong with the stream; undefined where it can be read. Throws where it cannot be asked. */
export async function streamTrouble(
  kinesis: AwsCall,
  stream: string,
  region: string,
  arn?: string,
): Promise<Finding | undefined> {
  try {
    const answer = (await patiently(kinesis, 'DescribeStreamSummary', { StreamName: stream })) as {
      StreamDescriptionSummary?: { StreamStatus?: string; StreamARN?: string }
    }
    const { StreamStatus, StreamARN } = answer.StreamDescriptionSummary ?? {}
    const [wanted, own] = [arn, StreamARN].map((text) => text?.split(':')[4])
    if (wanted && own && wanted !== own) {
      return {
        severity: 'error',
        key: 'streamArn',
        message: `streamArn is of the account ${wanted}, but these credentials are of ${own}: the daemon would read the stream ${stream} of that account.`,
        remedy: `Assume a role of ${wanted} in AwsCredentialsProvider. ${ALL_THE_SAME}`,
      }
    }
    if (StreamStatus !== 'DELETING') return undefined
    return {
      severity: 'error',
      key: 'streamName',
      message: `The stream ${stream} in ${region} is being deleted.`,
      remedy: ALL_THE_SAME,
    }
  } catch (error) {
    if (!(error instanceof AwsError && error.exception === 'ResourceNotFoundException')) throw error
  }
  const near = nearest(stream, await streamNames(kinesis))
  return {
    severity: 'error',
    key: 'streamName',
    message: `There is no stream ${stream} in ${region}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    remedy: `Correct streamName or the region, or create it. ${ALL_THE_SAME}`,
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
  if (strange === undefined) return undefined
  return {
    severity: 'error',
    key: settings.has('tableName') ? 'tableName' : 'applicationName',
    message: `The lease table ${table} belongs to another stream than ${stream}, or to one of that name before: ${strange}.`,
    remedy: `Correct streamName, or give this application a name of its own; if the stream was made anew, delete the table. ${ALL_THE_SAME}`,
  }
}

async function streamNames(kinesis: AwsCall): Promise<string[]> {
  const names: string[] = []
  try {
    for (let page = 0; page < MOST_PAGES; page++) {
      const last = names.at(-1)
      const answer = (await kinesis('ListStreams', {
        Limit: 1000,
        ...(last !== undefined && { ExclusiveStartStreamName: last }),
      })) as { StreamNames?: string[]; HasMoreStreams?: boolean }
      names.push(...(answer.StreamNames ?? []))
      if (answer.HasMoreStreams !== true || names.at(-1) === last) break
    }
  } catch {
    // Who may not list the streams goes without a suggestion.
  }
  return names
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

async function shardsOf(kinesis: AwsCall, stream: string): Promise<Shard[]> {
  const shards: Shard[] = []
  let next: string | null | undefined
  do {
    const answer = (await patiently(
      kinesis,
      'ListShards',
      next ? { NextToken: next } : { StreamName: stream },
    )) as { Shards?: ListedShard[]; NextToken?: string | null }
    for (const { ShardId, HashKeyRange, SequenceNumberRange } of answer.Shards ?? []) {
      shards.push({
        shardId: ShardId,
        startingHashKey: HashKeyRange.StartingHashKey,
        endingHashKey: HashKeyRange.EndingHashKey,
        first: SequenceNumberRange.StartingSequenceNumber,
        last: SequenceNumberRange.EndingSequenceNumber ?? undefined,
      })
    }
    next = answer.NextToken
  } while (next)
  return shards
}

// Kinesis knows its own sequence numbers from those of other streams, where ranges do not tell.
async function disowned(
  kinesis: AwsCall,
  stream: string,
  leases: readonly Lease[],
): Promise<string | undefined> {
  for (const { shardId, checkpoint } of leases) {
    try {
      await kinesis('GetShardIterator', {
        StreamName: stream,
        ShardId: shardId,
        ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
        StartingSequenceNumber: checkpoint,
      })
    } catch (error) {
      if (error instanceof AwsError && /did not come from this stream/.test(error.message)) {
        return `Kinesis does not know the position of its lease of ${shardId}`
      }
    }
  }
  return undefined
}

async function patiently(call: AwsCall, action: string, request: object) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(action, request)
    } catch (error) {
      if (attempt === TRIES || !(error instanceof AwsError) || !mayRetry(error)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, FIRST_DELAY * 2 ** attempt))
  }
}

function findingOf(
  error: unknown,
  what: string,
  { stream, region, settings }: { stream: string; region: string; settings: Settings },
): Finding {
  const key = 'AwsCredentialsProvider'
  if (error instanceof NoKeys) return { severity: 'error', key, message: error.message, remedy: ALL_THE_SAME }
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
  return { severity: 'error', key, message: words, remedy: ALL_THE_SAME }
}

// Not an error and no warning either: --strict must not make a start impossible for who may not list.
function passed(key: string, why: string): Finding {
  return {
    severity: 'info',
    key,
    message: `The stream and the lease table were not, or not both, looked at before the start: ${why}.`,
  }
}

interface ListedShard {
  readonly ShardId: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
  readonly SequenceNumberRange: {
    readonly StartingSequenceNumber: string
    readonly EndingSequenceNumber?: string | null
  }
}

const ALL_THE_SAME = '--no-preflight starts without looking.'
const MOST_PAGES = 10
const MOST_LEASES = 1000
const PATIENCE = 5000
const TRIES = 3
const FIRST_DELAY = 100
