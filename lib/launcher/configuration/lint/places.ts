// Rules about where things are: regions, endpoints and accounts that do not fit together, so that the daemon
// would read another stream, or make its tables elsewhere, without a word.

import { isEmulator } from '../../../aws/places.ts'
import { clientBeans } from '../catalogue/catalogue.ts'
import { readProviders } from '../credentials.ts'
import { ENDPOINT_KEYS, endpointOf } from '../endpoint-keys.ts'
import { isInstance, regionOf } from '../region.ts'
import type { Finding, Rule } from './finding.ts'

/** All rules of this file. */
export const placeRules = (): readonly Rule[] => [noRegion, region, endpoints, account]

const noRegion: Rule = (settings, { environment }) => {
  if (regionOf(settings.settings, environment) !== undefined || isInstance(environment)) return []
  const other = environment.AWS_DEFAULT_REGION
    ? ' AWS_DEFAULT_REGION is set, but the SDK for Java does not read it.'
    : ''
  return [
    settings.say(
      'error',
      'regionName',
      `is missing, and neither AWS_REGION nor a profile names a region; the daemon would stop with a stack trace.${other}`,
      'Give --region-name=REGION, AWS_REGION, or a line in the file.',
    ),
  ]
}

const region: Rule = (settings, { environment }) => {
  const findings: Finding[] = []
  const name = settings.value('regionName')
  for (const bean of clientBeans) {
    const own = settings.value(`${bean}.region`)
    if (name === undefined || own === undefined || own === name) continue
    findings.push(
      settings.say(
        'error',
        `${bean}.region`,
        `is ${own} and regionName is ${name}; the daemon would take an arbitrary one of them.`,
        'Keep one of them: regionName for all clients, or the region of each client.',
      ),
    )
  }
  const effective = name ?? settings.value('kinesisClient.region')
  const arn = settings.value('streamArn')?.split(':')[3]
  const surroundings = environment.AWS_REGION
  if (arn !== undefined && effective !== undefined && arn !== effective) {
    findings.push(
      settings.say(
        'error',
        'streamArn',
        `lies in ${arn}, but the region is ${effective}: the stream of that name there would be read.`,
        `Set regionName to ${arn}.`,
      ),
    )
  } else if (arn !== undefined && effective === undefined && surroundings && surroundings !== arn) {
    findings.push(
      settings.say(
        'error',
        'streamArn',
        `lies in ${arn}, but AWS_REGION is ${surroundings}: the stream of that name there would be read.`,
        `Set regionName to ${arn}.`,
      ),
    )
  }
  if (
    effective !== undefined &&
    surroundings &&
    surroundings !== effective &&
    settings.settings.get('regionName')?.source !== 'flag'
  ) {
    findings.push(
      settings.say(
        'warning',
        'regionName',
        `is ${effective}, but AWS_REGION is ${surroundings}; the daemon takes the first, the consumers' own clients the second.`,
        'Make them equal.',
      ),
    )
  }
  return findings
}

const endpoints: Rule = (settings) => {
  const findings: Finding[] = []
  for (const [key, nested] of Object.values(ENDPOINT_KEYS)) {
    const [one, other] = [settings.value(key), settings.value(nested)]
    if (one === undefined || other === undefined || one === other) continue
    findings.push(
      settings.say(
        'error',
        key,
        `and ${nested} differ; the daemon would take an arbitrary one.`,
        'Keep one of them.',
      ),
    )
  }
  const kinesis = endpointOf(settings.settings, 'kinesis')
  const dynamo = endpointOf(settings.settings, 'dynamodb')
  if (isEmulator(kinesis) && dynamo === undefined) {
    findings.push(
      settings.say(
        'warning',
        'dynamoDBEndpoint',
        'is not set, but Kinesis is an emulator: the lease tables would be made in AWS.',
        'Set it too; kcl-session local prints both.',
      ),
    )
  }
  const metrics = settings.value('metricsLevel')?.toUpperCase()
  if (
    isEmulator(kinesis) &&
    metrics !== 'NONE' &&
    !settings.settings.has('cloudWatchClient.endpointOverride')
  ) {
    findings.push(
      settings.say(
        'warning',
        'metricsLevel',
        'is not NONE, but Kinesis is an emulator: the metrics would go to CloudWatch in AWS.',
        'Set metricsLevel to NONE.',
      ),
    )
  }
  return findings
}

const account: Rule = (settings) => {
  const findings: Finding[] = []
  const credentials = settings.value('AwsCredentialsProvider')
  const assumesRole = credentials !== undefined && readProviders(credentials).assumesRole
  if (settings.settings.has('streamArn') && !assumesRole) {
    findings.push(
      settings.say(
        'info',
        'streamArn',
        'is used for its name only: the stream of that name in the account of the credentials is read.',
        'For a stream of another account, assume a role there in AwsCredentialsProvider; run asks whose it is.',
      ),
    )
  }
  if (assumesRole && !settings.settings.has('AwsCredentialsProviderDynamoDB')) {
    findings.push(
      settings.say(
        'warning',
        'AwsCredentialsProvider',
        "assumes a role, and the lease tables are made in that role's account.",
        'Set AwsCredentialsProviderDynamoDB, to say in whose account they belong.',
      ),
    )
  }
  return findings
}
