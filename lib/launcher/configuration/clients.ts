// Clients for the services that the daemon will use, made from its own settings: the same endpoint, region and keys.

import { type AwsCall, awsClient } from '../../aws/client.ts'
import type { Provider } from '../../aws/credentials.ts'
import { endpointOf } from './endpoint-keys.ts'
import type { Setting } from './setting.ts'

/** A client for DynamoDB, where the lease tables are; undefined where no region is named. */
export function dynamoDBClient(
  settings: ReadonlyMap<string, Setting>,
  environment: Readonly<Record<string, string | undefined>>,
): AwsCall | undefined {
  const value = (key: string): string | undefined => settings.get(key)?.value
  const region = value('dynamoDbClient.region') ?? value('regionName') ?? environment.AWS_REGION
  if (region === undefined) return undefined
  const endpoint = endpointOf(settings, 'dynamodb')
  const providers = value('AwsCredentialsProviderDynamoDB') ?? value('AwsCredentialsProvider')
  return awsClient({
    service: 'dynamodb',
    endpoint,
    region,
    environment,
    providers: providers?.split(',').map(provider),
  })
}

function provider(text: string): Provider {
  const [name = '', ...args] = text.split('|')
  return { name: name.slice(name.lastIndexOf('.') + 1).trim(), args }
}
