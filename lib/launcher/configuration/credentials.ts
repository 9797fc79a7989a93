// The value of an AwsCredentialsProvider property: class names with commas between, arguments after `|`.
// The daemon drops a name it does not know from the list without a word, and fails when none is left; that
// is what every class name of the SDK 1.x comes to. Those are replaced by what they became.

/** What became of a credentials value. */
export interface Providers {
  /** The value with SDK 1.x names replaced. */
  readonly value: string
  readonly replaced: readonly { readonly from: string; readonly to: string }[]
  /** Names that the daemon would drop. */
  readonly unknown: readonly string[]
  /** Whether a role is assumed. */
  readonly assumesRole: boolean
}

/** Reads a credentials value; a class name with dots that is not the SDK's own is taken as the user's. */
export function readProviders(value: string): Providers {
  const replaced: { from: string; to: string }[] = []
  const unknown: string[] = []
  let assumesRole = false
  const providers = value
    .split(',')
    .map((provider) => provider.trim())
    .filter((provider) => provider !== '')
    .map((provider) => {
      const [written = '', ...rest] = provider.split('|')
      const name = written.trim()
      const to = SUCCESSORS.get(simpleName(name))
      if (to !== undefined && to !== name && !isUsable(name)) replaced.push({ from: name, to })
      else if (!isUsable(name)) unknown.push(name)
      const final = isUsable(name) || to === undefined ? name : to
      assumesRole ||= /AssumeRole/.test(final)
      return [final, ...rest].join('|')
    })
  return { value: providers.join(','), replaced, unknown, assumesRole }
}

/** The names that can be used, for messages. */
export const usableProviders: readonly string[] = [
  'DefaultCredentialsProvider',
  'EnvironmentVariableCredentialsProvider',
  'ProfileCredentialsProvider',
  'ContainerCredentialsProvider',
  'InstanceProfileCredentialsProvider',
  'WebIdentityTokenFileCredentialsProvider',
  'StsAssumeRoleCredentialsProvider',
  'SystemPropertyCredentialsProvider',
  'AnonymousCredentialsProvider',
]

function isUsable(name: string): boolean {
  if (usableProviders.includes(name) || name === 'KclStsAssumeRoleCredentialsProvider') return true
  if (name.startsWith('software.amazon.awssdk.auth.credentials.')) return isUsable(simpleName(name))
  if (name.startsWith('software.amazon.kinesis.multilang.auth.')) return isUsable(simpleName(name))
  // The SDK's own role provider by its full name has no constructor that the daemon can call.
  return (
    name.includes('.') && !name.startsWith('com.amazonaws.') && !name.startsWith('software.amazon.awssdk.')
  )
}

function simpleName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

const SUCCESSORS = new Map([
  ['DefaultAWSCredentialsProviderChain', 'DefaultCredentialsProvider'],
  ['DefaultAwsCredentialsProviderChain', 'DefaultCredentialsProvider'],
  ['DefaultAWSCredentialsProvider', 'DefaultCredentialsProvider'],
  ['EnvironmentVariableCredentialsProvider', 'EnvironmentVariableCredentialsProvider'],
  ['SystemPropertiesCredentialsProvider', 'SystemPropertyCredentialsProvider'],
  ['ProfileCredentialsProvider', 'ProfileCredentialsProvider'],
  ['InstanceProfileCredentialsProvider', 'InstanceProfileCredentialsProvider'],
  ['ContainerCredentialsProvider', 'ContainerCredentialsProvider'],
  ['EC2ContainerCredentialsProviderWrapper', 'ContainerCredentialsProvider'],
  ['WebIdentityTokenCredentialsProvider', 'WebIdentityTokenFileCredentialsProvider'],
  ['STSAssumeRoleSessionCredentialsProvider', 'StsAssumeRoleCredentialsProvider'],
  ['KclSTSAssumeRoleSessionCredentialsProvider', 'StsAssumeRoleCredentialsProvider'],
  ['StsAssumeRoleCredentialsProvider', 'StsAssumeRoleCredentialsProvider'],
])
