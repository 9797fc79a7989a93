// Every property of the daemon, as one table: from it come the lint, the names of flags and variables,
// `check --explain` and the reference in the docs. Read in the 3.1.3 classes, and tried against them.
// The daemon ignores what is not here without a word; nested keys of the SDK's clients are open-ended.

import { nearest } from '../../../nearest.ts'
import { applicationKeys } from './application.ts'
import type { Entry } from './entry.ts'
import { leaseKeys } from './leases.ts'
import { readingKeys } from './reading.ts'

/** All properties by their exact names. */
export const catalogue: ReadonlyMap<string, Entry> = new Map<string, Entry>(
  Object.entries({ ...applicationKeys, ...readingKeys, ...leaseKeys }),
)

/** The client beans whose keys are the setters of the SDK's builders, such as `kinesisClient.region`. */
export const clientBeans: readonly string[] = ['kinesisClient', 'dynamoDbClient', 'cloudWatchClient']

/** The entry of an exact key; nested client keys have one too. */
export function entryOf(key: string): Entry | undefined {
  return catalogue.get(key) ?? (isClientKey(key) ? clientEntry(key) : undefined)
}

/** Whether `key` is a setter of one of the SDK's client builders. */
export function isClientKey(key: string): boolean {
  return clientBeans.some((bean) => key.startsWith(`${bean}.`) && key.length > bean.length + 1)
}

/** The field a key sets: keys of one field exclude each other. */
export function fieldOf(key: string): string {
  return entryOf(key)?.field ?? key
}

/**
 * The key as the catalogue has it, for any spelling that the daemon itself understands: exact names, aliases,
 * names behind the bean that holds them, and `AwsCredentialsProvider` in any case. Undefined where the daemon
 * would ignore the key.
 */
export function exactName(key: string): string | undefined {
  if (entryOf(key)) return key
  const credentials = EXACT_CREDENTIALS.get(key.toLowerCase())
  if (credentials) return credentials
  const bean = BEANS.find((name) => key.startsWith(`${name}.`))
  const inner = bean === undefined ? key : key.slice(bean.length + 1)
  if (bean !== undefined && catalogue.has(inner)) return inner
  return ALIASES.get(inner)
}

/**
 * The key behind a relaxed name, such as `stream-name`, `STREAM_NAME` or `fanout.config.consumer.name`; for flags
 * and variables. `kinesis-client-region` becomes `kinesisClient.region`.
 */
export function relaxedName(name: string): string | undefined {
  const exact = exactName(name)
  if (exact !== undefined) return exact
  const flat = flatten(name)
  const known = FLAT.get(flat)
  if (known !== undefined) return known
  const words = name.split(/[-_.]+/).filter((word) => word !== '')
  for (const bean of clientBeans) {
    for (let count = 1; count < words.length; count++) {
      if (flatten(words.slice(0, count).join('')) !== bean.toLowerCase()) continue
      const [first = '', ...rest] = words.slice(count).map(lowerIfShouted)
      return `${bean}.${first}${rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`
    }
  }
  return undefined
}

/** The known key nearest to a misspelt one, or undefined where none is near. */
export function nearestName(name: string): string | undefined {
  const relaxed = relaxedName(name)
  if (relaxed !== undefined) return relaxed
  const near = nearest(flatten(name), FLAT.keys())
  return near === undefined ? undefined : FLAT.get(near)
}

function lowerIfShouted(word: string): string {
  return word === word.toUpperCase() ? word.toLowerCase() : word
}

function flatten(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, '').toLowerCase()
}

// What a builder of the SDK takes as text was tried with the daemon's own beans: it stops at any other setter.
function clientEntry(key: string): Entry {
  const [bean = '', ...rest] = key.split('.')
  const setter = CLIENT_SETTERS.get(rest.join('.'))
  if (setter === undefined || (rest[0] === 'endpointDiscoveryEnabled' && bean !== 'dynamoDbClient')) {
    return { kind: 'unknownSetter', note: CLIENT_NOTE, values: [...CLIENT_SETTERS.keys()] }
  }
  return { kind: setter, note: CLIENT_NOTE, boxed: true }
}

const CLIENT_NOTE = "A setter of the SDK's client builder; an unknown one stops the daemon."
const CLIENT_SETTERS = new Map<string, Entry['kind']>([
  ['region', 'region'],
  ['endpointOverride', 'url'],
  ['dualstackEnabled', 'boolean'],
  ['fipsEnabled', 'boolean'],
  ['endpointDiscoveryEnabled', 'boolean'],
  ['overrideConfiguration.apiCallTimeout', 'duration'],
  ['overrideConfiguration.apiCallAttemptTimeout', 'duration'],
  ['overrideConfiguration.defaultProfileName', 'text'],
  ['overrideConfiguration.retryPolicy', 'text'],
  ['overrideConfiguration.retryStrategy', 'text'],
  ['overrideConfiguration.compressionConfiguration.requestCompressionEnabled', 'boolean'],
])
const BEANS = [
  'pollingConfig',
  'gracefulLeaseHandoffConfigBean',
  'workerUtilizationAwareAssignmentConfigBean',
  'workerMetricStatsTableConfigBean',
  'coordinatorStateTableConfigBean',
]
const ALIASES = new Map(
  [...catalogue].flatMap(([key, entry]) => (entry.aliases ?? []).map((alias) => [alias, key] as const)),
)
const FLAT = new Map([
  ...[...ALIASES].map(([alias, key]) => [flatten(alias), key] as const),
  ...[...catalogue.keys()].map((key) => [flatten(key), key] as const),
])
// The daemon matches these three whatever their case; `AWSCredentialsProvider` is the spelling of KCL 1.x.
const EXACT_CREDENTIALS = new Map(
  [...catalogue.keys()]
    .filter((key) => key.startsWith('AwsCredentialsProvider'))
    .map((key) => [key.toLowerCase(), key] as const),
)
