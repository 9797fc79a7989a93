// The properties that name an endpoint: two for each service, and they mean the same.

import type { Setting } from './setting.ts'

/** The keys of each service's endpoint, the usual one first. */
export const ENDPOINT_KEYS = {
  kinesis: ['kinesisEndpoint', 'kinesisClient.endpointOverride'],
  dynamodb: ['dynamoDBEndpoint', 'dynamoDbClient.endpointOverride'],
} as const

/** The endpoint that was named for a service. */
export function endpointOf(
  settings: ReadonlyMap<string, Setting>,
  service: keyof typeof ENDPOINT_KEYS,
): string | undefined {
  const [usual, nested] = ENDPOINT_KEYS[service]
  return (settings.get(usual) ?? settings.get(nested))?.value.trim()
}
