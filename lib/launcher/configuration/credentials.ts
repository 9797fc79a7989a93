// The value of an AwsCredentialsProvider property: class names with commas between, arguments after `|`. The daemon
// drops a name it does not know, and arguments that a class does not take, without a word, and fails when nothing is
// left. One table says what each class takes; names of the SDK 1.x are replaced by what they became.

import type { Provider } from '../../aws/credentials.ts'

/** What became of a credentials value. */
export interface Providers {
  /** The value with SDK 1.x names replaced. */
  readonly value: string
  /** The same, taken apart; classes of the AWS SDK and the daemon by their simple names. */
  readonly list: readonly Provider[]
  readonly replaced: readonly { readonly from: string; readonly to: string }[]
  /** Names that the daemon would drop. */
  readonly unknown: readonly string[]
  /** What is wrong with the arguments of the others, in sentences: what the daemon would do, and the remedy. */
  readonly misfits: readonly { readonly message: string; readonly remedy: string }[]
  /** Whether a role is assumed. */
  readonly assumesRole: boolean
}

/** Reads a credentials value; a class name with dots that is not the SDK's own is taken as the user's. */
export function readProviders(value: string): Providers {
  const replaced: { from: string; to: string }[] = []
  const unknown: string[] = []
  const misfits: { message: string; remedy: string }[] = []
  const list: Provider[] = []
  const providers = value
    .split(',')
    .map((provider) => provider.trim())
    .filter((provider) => provider !== '')
    .map((provider) => {
      const [written = '', ...args] = provider.split('|')
      const name = written.trim()
      const to = SUCCESSORS.get(simpleName(name))
      if (to !== undefined && to !== name && !isUsable(name)) replaced.push({ from: name, to })
      else if (!isUsable(name)) unknown.push(name)
      const final = isUsable(name) || to === undefined ? name : to
      const simple = knownName(final)
      const misfit = simple && TAKES.get(simple)?.(simple, args)
      if (misfit) misfits.push(misfit)
      list.push({ name: simple ?? final, args })
      return [final, ...args].join('|')
    })
  const assumesRole = list.some(({ name }) => /AssumeRole/.test(name))
  return { value: providers.join(','), list, replaced, unknown, misfits, assumesRole }
}

/** The simple name of a class of the AWS SDK or the daemon; undefined for any other class. */
export function knownName(name: string): string | undefined {
  const simple = simpleName(name)
  if (!TAKES.has(simple)) return undefined
  return name === simple || PACKAGES.some((prefix) => name === `${prefix}.${simple}`) ? simple : undefined
}

type Misfit = { readonly message: string; readonly remedy: string } | undefined

function nothing(name: string, args: readonly string[]): Misfit {
  const [first = ''] = args
  if (args.length === 0) return undefined
  const dropped = args.length === 1 ? `would drop "${first}"` : `would drop all ${args.length} of them`
  if (name === 'WebIdentityTokenFileCredentialsProvider') {
    return {
      message: `gives ${name} arguments, which it does not take: the daemon ${dropped}, and read the variables.`,
      remedy: 'Set AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN instead.',
    }
  }
  const isDefault = name === 'DefaultCredentialsProvider'
  return {
    message: `gives ${name} arguments, which it does not take: the daemon ${dropped}${isDefault ? ', and use the default profile' : ''}.`,
    remedy: isDefault && args.length === 1 ? `Write ProfileCredentialsProvider|${first}.` : 'Remove them.',
  }
}

function profile(name: string, args: readonly string[]): Misfit {
  if (args.length === 1 && isPlaceholder(args[0] ?? '')) return placeholder(name, args[0] ?? '')
  if (args.length <= 1) return undefined
  return {
    message: `gives ${name} ${args.length} arguments: the daemon would drop all of them, and use the default profile.`,
    remedy: `Give it one, the profile: ${name}|${args[0]}.`,
  }
}

function role(name: string, [arn = '', session = '', ...named]: readonly string[]): Misfit {
  const form = `Write ${name}|arn:aws:iam::ACCOUNT:role/NAME|SESSION, with |externalId=ID or |endpoint=URL^REGION behind it.`
  const wrong = (message: string): Misfit => ({ message: `gives ${name} ${message}`, remedy: form })
  for (const argument of [arn, session]) if (isPlaceholder(argument)) return placeholder(name, argument)
  if (!/^arn:[\w-]+:iam::\d{12}:role\/\S+$/.test(arn.trim()))
    return wrong('no ARN of a role as its first argument.')
  if (session === '' || /^(endpoint|externalId)=/.test(session))
    return wrong('no name for the session, without which the daemon would drop it.')
  for (const argument of named) {
    const [key = '', text = '', ...more] = argument.split('=')
    if (key === 'endpoint' && !/^[^^]+\^[a-z0-9-]+$/.test(text))
      return wrong('an endpoint without ^ and a region, for which the daemon would drop it.')
    if ((key !== 'endpoint' && key !== 'externalId') || text === '' || more.length > 0)
      return wrong(
        'an argument that the daemon would ignore: behind the session it knows externalId= and endpoint=.',
      )
  }
  return undefined
}

function placeholder(name: string, argument: string): Misfit {
  return {
    message: `gives ${name} "${argument}", which is a placeholder.`,
    remedy: 'Put the real value in its place.',
  }
}

/** Whether a value looks like one that was to be replaced: `<name>`, `YOUR_ROLE`, `STREAM_NAME`, `TBD`, `xxx`. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value.trim())
}

function isUsable(name: string): boolean {
  if (knownName(name) !== undefined) return true
  return (
    name.includes('.') &&
    !name.startsWith('com.amazonaws.') &&
    !name.startsWith('software.amazon.awssdk.') &&
    !name.startsWith('software.amazon.kinesis.multilang.')
  )
}

function simpleName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

const PLACEHOLDER =
  /^(<.*>|\{\{?.*\}?\}|\[.*\]|tbd|todo|fixme|change[-_ ]?me|placeholder|x{3,}|your[-_ ]?(stream|application|app|role|region|profile|table|name|session)([-_ ]?(name|arn|here))?|(stream|application|app|table|role|profile|region)[-_ ]?(name|arn))$|:role\/(<.*>|YOUR_.*|ROLE_NAME)$|YOUR[-_]|<[A-Za-z_ -]+>/i
// Tried with the daemon's own decoder: it calls a constructor or a create() with as many strings as there are
// arguments, and where there is none, create() without any.
const TAKES = new Map<string, (name: string, args: readonly string[]) => Misfit>([
  ['DefaultCredentialsProvider', nothing],
  ['EnvironmentVariableCredentialsProvider', nothing],
  ['ProfileCredentialsProvider', profile],
  ['ContainerCredentialsProvider', nothing],
  ['InstanceProfileCredentialsProvider', nothing],
  ['WebIdentityTokenFileCredentialsProvider', nothing],
  ['StsAssumeRoleCredentialsProvider', role],
  ['KclStsAssumeRoleCredentialsProvider', role],
  ['SystemPropertyCredentialsProvider', nothing],
  ['AnonymousCredentialsProvider', nothing],
])

/** The names that can be used, for messages. */
export const usableProviders: readonly string[] = [...TAKES.keys()].filter((name) => !name.startsWith('Kcl'))

const PACKAGES = [
  'software.amazon.awssdk.auth.credentials',
  'software.amazon.awssdk.services.sts.auth',
  'software.amazon.kinesis.multilang.auth',
]
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
