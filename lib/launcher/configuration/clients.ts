// Clients for the services that the daemon will use, made from its own settings: the same endpoint, region and keys.

import { type AwsCall, awsClient } from '../../aws/client.ts'
import { readProviders } from './credentials.ts'
import { endpointOf } from './endpoint-keys.ts'
import { regionOf } from './region.ts'
import type { Setting } from './setting.ts'

/** A client for one of the services; undefined where no region is named. `timeout` is for each answer, in milliseconds. */
export function clientFor(
  service: 'kinesis' | 'dynamodb',
  settings: ReadonlyMap<string, Setting>,
  environment: Readonly<Record<string, string | undefined>>,
  timeout?: number,
): AwsCall | undefined {
  const region = regionOf(settings, environment, service)
  if (region === undefined) return undefined
  const own = service === 'dynamodb' ? settings.get('AwsCredentialsProviderDynamoDB') : undefined
  const providers = (own ?? settings.get('AwsCredentialsProvider'))?.value
  return awsClient({
    service,
    endpoint: endpointOf(settings, service),
    region,
    environment,
    providers: providers === undefined ? undefined : readProviders(providers).list,
    ...(timeout !== undefined && { timeout }),
  })
}
