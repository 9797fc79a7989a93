// The variables that the JVM is to have and its consumers are not: they inherit its environment, and so they are
// given their own back.

import { isLoopback } from '../../aws/places.ts'
import { proxyEnvironment } from '../machine/proxies.ts'
import type { Configuration } from './configuration.ts'
import { endpointOf } from './endpoint-keys.ts'

/** Variables that are the JVM's alone, and what the consumers have in their place; undefined: nothing. */
export interface OwnEnvironment {
  readonly own: Readonly<Record<string, string>>
  readonly restored: Readonly<Record<string, string | undefined>>
}

/** The JVM's own variables for this configuration, beside those of `environment`. */
export function daemonEnvironment(
  configuration: Configuration,
  environment: Readonly<Record<string, string | undefined>>,
): OwnEnvironment {
  const direct = namedEndpoints(configuration).filter(isLoopback)
  const own = {
    ...proxyEnvironment(
      environment,
      direct.map((address) => new URL(address).hostname),
    ),
    ...localCredentials(configuration, environment),
    ...region(configuration, environment),
  }
  const names = Object.keys(own)
  return { own, restored: Object.fromEntries(names.map((name) => [name, environment[name]])) }
}

/** Whether both services run on this machine. */
export function isLocal({ settings }: Configuration): boolean {
  return isLoopback(endpointOf(settings, 'kinesis')) && isLoopback(endpointOf(settings, 'dynamodb'))
}

// The endpoints that were named.
function namedEndpoints({ settings }: Configuration): string[] {
  const values = [endpointOf(settings, 'kinesis'), endpointOf(settings, 'dynamodb')]
  return values.filter((value): value is string => value !== undefined && URL.canParse(value))
}

// On this machine any keys will do, but the SDK refuses to send a request without some.
function localCredentials(
  configuration: Configuration,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const given = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'].some(
    (name) => environment[name],
  )
  const chosen = configuration.settings.get('AwsCredentialsProvider')?.source !== 'default'
  if (given || chosen || !isLocal(configuration)) return {}
  return { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }
}

// regionName reaches the three clients; what the credentials ask STS for goes by the variable.
function region(
  { settings }: Configuration,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const name = (settings.get('regionName') ?? settings.get('kinesisClient.region'))?.value.trim()
  return name && !environment.AWS_REGION ? { AWS_REGION: name } : {}
}
