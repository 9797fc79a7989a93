// Keys for our own requests, found where the daemon's credentials providers would find theirs and in their order.
// The SDK's own code reads profiles, roles, tokens, containers and instances; it loads on first use, and it reads
// the process's environment. What only Java can do, a class of the user's, is told apart from having no keys.

import type * as Providers from '@aws-sdk/credential-providers'
import { UsageError } from '../errors.ts'

/** Keys to sign with. */
export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** From when on they are no longer taken. */
  readonly expiration?: Date
}

/** One of the daemon's credentials providers, by the simple name of its class. */
export interface Provider {
  readonly name: string
  readonly args: readonly string[]
}

/** Thrown where no provider has keys, in one sentence. */
export class NoKeys extends UsageError {}

/** Thrown where only Java can tell whether there are keys. */
export class UnknownProvider extends UsageError {}

/** What the daemon uses where nothing else is said. */
export const DEFAULT_PROVIDERS: readonly Provider[] = [{ name: 'DefaultCredentialsProvider', args: [] }]

/** Tries the providers in their order, as the daemon's chain does; throws NoKeys or UnknownProvider. */
export async function findKeys(
  providers: readonly Provider[],
  region: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Keys> {
  const reasons: string[] = []
  for (const provider of providers) {
    try {
      return await ask(provider, region, environment)
    } catch (error) {
      if (error instanceof UnknownProvider) throw error
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  const why = reasons.at(-1)?.replace(/\s+/g, ' ').replace(/\.$/, '')
  throw new NoKeys(`There are no AWS credentials${why === undefined ? '' : `: ${why}`}. ${REMEDY}`)
}

async function ask(
  { name, args }: Provider,
  region: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Keys> {
  if (name === 'EnvironmentVariableCredentialsProvider') return fromVariables(environment)
  const clientConfig = { region }
  const [first, second, ...named] = args
  // What is in the environment needs none of the SDK's code.
  if (name === 'DefaultCredentialsProvider' && hasVariables(environment)) return fromVariables(environment)
  const sdk = await import('@aws-sdk/credential-providers')
  switch (name) {
    case 'DefaultCredentialsProvider':
      return fromChain(sdk, region, environment)
    case 'ProfileCredentialsProvider':
      return sdk.fromIni({ clientConfig, ...(first && { profile: first }) })()
    case 'WebIdentityTokenFileCredentialsProvider':
      return sdk.fromTokenFile({ clientConfig })()
    case 'ContainerCredentialsProvider':
      return sdk.fromHttp({ timeout: TIMEOUT, maxRetries: 1 })()
    case 'InstanceProfileCredentialsProvider':
      return sdk.fromInstanceMetadata({ timeout: TIMEOUT, maxRetries: 1 })()
    case 'StsAssumeRoleCredentialsProvider':
    case 'KclStsAssumeRoleCredentialsProvider':
      return sdk.fromTemporaryCredentials({
        masterCredentials: () => fromChain(sdk, region, environment),
        params: { RoleArn: first ?? '', RoleSessionName: second ?? '', ...externalId(named) },
        clientConfig: stsPlace(named, region),
      })()
    default:
      throw new UnknownProvider(`Only the daemon can tell whether ${name} has credentials`)
  }
}

// The order of the SDK for Java; that of JavaScript asks profiles before web identities.
async function fromChain(
  sdk: typeof Providers,
  region: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Keys> {
  const clientConfig = { region }
  if (hasVariables(environment)) return fromVariables(environment)
  const { AWS_WEB_IDENTITY_TOKEN_FILE, AWS_PROFILE, AWS_EC2_METADATA_DISABLED } = environment
  const container =
    environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || environment.AWS_CONTAINER_CREDENTIALS_FULL_URI
  const steps = [
    AWS_WEB_IDENTITY_TOKEN_FILE ? sdk.fromTokenFile({ clientConfig }) : undefined,
    sdk.fromIni({ clientConfig }),
    container ? sdk.fromHttp({ timeout: TIMEOUT, maxRetries: 1 }) : undefined,
    AWS_EC2_METADATA_DISABLED === 'true'
      ? undefined
      : sdk.fromInstanceMetadata({ timeout: TIMEOUT, maxRetries: 0 }),
  ]
  let telling: unknown
  for (const step of steps) {
    if (step === undefined) continue
    try {
      return await step()
    } catch (error) {
      // The first step that was asked for by name says more than the last one.
      if (telling === undefined && (AWS_WEB_IDENTITY_TOKEN_FILE || AWS_PROFILE || container)) telling = error
    }
  }
  throw telling ?? new Error('neither variables nor a profile, a container or an instance has any')
}

function hasVariables({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Record<string, string | undefined>) {
  return Boolean(AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY)
}

function fromVariables(environment: Readonly<Record<string, string | undefined>>): Keys {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = environment
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set')
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  }
}

function externalId(named: readonly string[]): { ExternalId?: string } {
  const id = named.find((argument) => argument.startsWith('externalId='))?.slice('externalId='.length)
  return id ? { ExternalId: id } : {}
}

// `endpoint=URL^REGION`, as the daemon has it.
function stsPlace(named: readonly string[], region: string): { region: string; endpoint?: string } {
  const text = named.find((argument) => argument.startsWith('endpoint='))?.slice('endpoint='.length)
  const [url, own] = text?.split('^') ?? []
  if (!url || !own) return { region }
  return { region: own, endpoint: /^https?:\/\//.test(url) ? url : `https://${url}` }
}

const TIMEOUT = 1000
const REMEDY =
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role; "aws configure export-credentials --format env" prints the first two.'
