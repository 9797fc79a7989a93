// Which region the daemon works in, as the SDK for Java finds it: a property, AWS_REGION, the profile's. On an
// instance it asks the instance. AWS_DEFAULT_REGION, which other tools read, it does not know.

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Setting } from './setting.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The region of a service, or undefined where nothing on this machine names one. */
export function regionOf(
  settings: ReadonlyMap<string, Setting>,
  environment: Environment,
  service: 'kinesis' | 'dynamodb' = 'kinesis',
): string | undefined {
  const own = service === 'kinesis' ? 'kinesisClient.region' : 'dynamoDbClient.region'
  const [named, nested] = [settings.get('regionName')?.value.trim(), settings.get(own)?.value.trim()]
  return named || nested || surroundingRegion(environment)
}

/** What the SDK would find without a property: AWS_REGION, or the region of the profile. */
export function surroundingRegion(environment: Environment): string | undefined {
  return environment.AWS_REGION?.trim() || regionOfProfile(environment)
}

/** Whether this machine is an instance of EC2, which knows its region itself. */
export function isInstance(environment: Environment): boolean {
  if (environment.AWS_EC2_METADATA_DISABLED === 'true') return false
  return Boolean(environment.AWS_EC2_METADATA_SERVICE_ENDPOINT) || /^Amazon EC2/.test(read(VENDOR))
}

function regionOfProfile(environment: Environment): string | undefined {
  const profile = environment.AWS_PROFILE || 'default'
  const home = environment.HOME || homedir()
  const files = [
    environment.AWS_CONFIG_FILE || join(home, '.aws', 'config'),
    environment.AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws', 'credentials'),
  ]
  for (const file of files) {
    let inside = false
    for (const line of read(file).split('\n')) {
      const [, section] = /^\s*\[\s*(?:profile\s+)?(.*?)\s*\]/.exec(line) ?? []
      if (section !== undefined) inside = section === profile
      const [, region] = /^region\s*=\s*(\S+)/.exec(line) ?? []
      if (inside && region !== undefined) return region
    }
  }
  return undefined
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const VENDOR = '/sys/devices/virtual/dmi/id/sys_vendor'
