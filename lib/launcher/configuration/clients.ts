// Clients for the services that the daemon will use, made from its own settings: the same endpoint, the same region.

import { type AwsCall, awsClient } from '../../aws/client.ts'
import { endpointOf } from './endpoint-keys.ts'
import type { Setting } from './setting.ts'

/** A client for DynamoDB, where the lease tables are; undefined where there is no region, or nothing to sign with. */
export function dynamoDBClient(
  settings: ReadonlyMap<string, Setting>,
  environment: Readonly<Record<string, string | undefined>>,
): AwsCall | undefined {
  const value = (key: string): string | undefined => settings.get(key)?.value
  const region = value('dynamoDbClient.region') ?? value('regionName') ?? environment.AWS_REGION
  if (region === undefined) return undefined
  try {
    return awsClient({ service: 'dynamodb', endpoint: endpointOf(settings, 'dynamodb'), region, environment })
  } catch {
    return undefined
  }
}
