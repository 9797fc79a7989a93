// Why the daemon does not get on, in words: from its stack traces to one sentence and what to do. The daemon
// itself tries again for ever, or ends with exit code 0.

import type { DaemonEvent } from './marks.ts'

/** What the words are made from. */
export interface CauseContext {
  readonly streamName: string
  readonly applicationName: string
  /** As far as it is known; for people. */
  readonly region: string
}

/** The sentence for an event, or undefined for one that is no cause of trouble we know. */
export function causeOf(event: DaemonEvent, context: CauseContext): string | undefined {
  if (event.level !== 'ERROR' && event.level !== 'WARN') return undefined
  return explain([event.message, ...event.causes].join('\n'), context)
}

/** The sentence for the text of an exception, whoever threw it; undefined where there are no words for it. */
export function explain(text: string, context: CauseContext): string | undefined {
  for (const { pattern, words } of KNOWN) {
    const match = pattern.exec(text)
    if (match !== null) return words(match, context)
  }
  return undefined
}

/** Why a program of Java ended, from what it printed: the innermost cause of its trace, in our words or its own. */
export function causeInTrace(lines: readonly string[], context: CauseContext): string {
  const thrown = lines.filter((line) => THROWN.test(line))
  const innermost = thrown.findLast((line) => line.startsWith('Caused by: ')) ?? thrown[0]
  if (innermost === undefined) return lines.slice(0, 3).join(' ')
  return (
    explain(innermost, context) ??
    `${simple(innermost.replace(/^Caused by: |^Exception in thread "[^"]*" /, ''))}.`
  )
}

/** The innermost exception of an event, or its message: for what we have no words for. */
export function briefly(event: DaemonEvent): string {
  const cause = event.causes.at(-1)
  return cause === undefined ? event.message : `${event.message}: ${simple(cause)}`
}

/** What to add to a cause while there is hope. */
export function keepsTrying(cause: string): string {
  return `${cause} The daemon keeps trying.`
}

/** The words for an address where nobody answers. */
export function refused(address: string, reason: string): string {
  return `Nothing answers at ${address}: ${reason}. Is the service up, and the endpoint right?`
}

function simple(cause: string): string {
  return cause.replace(/^(?:[a-z][\w]*\.)+(?=[A-Z])/, '').slice(0, 400)
}

const THROWN = /^(?:Caused by: |Exception in thread "[^"]*" )?(?:[a-z]\w*\.)+[A-Z][\w$]*(?:Exception|Error)\b/

interface Known {
  readonly pattern: RegExp
  readonly words: (match: RegExpExecArray, context: CauseContext) => string
}

// The most special first: an exception that names a refused role says on the way that there are no credentials.
const KNOWN: readonly Known[] = [
  {
    pattern: /the '(\w+)' service module must be on the class path/,
    words: ([, module]) =>
      `The jars lack the SDK's ${module} module, which this profile needs. Use the jars of "kcl-session jars".`,
  },
  {
    pattern:
      /(?:User: (\S+) is n|N)ot authorized to perform: (sts:AssumeRole\w*)(?: on resource: ([^\s)]+))?/,
    words: ([, user, action, role]) =>
      `The role${role === undefined ? '' : ` ${role}`} may not be assumed${user === undefined ? '' : ` by ${user}`}. Its trust policy must allow ${action}${user === undefined ? '.' : `, and so must that user's own policy.`}`,
  },
  {
    pattern:
      /ExpiredToken|security token included in the request is expired|The SSO session .* (?:has )?expired|Token (?:for \S+ )?(?:has|is) expired/i,
    words: () => 'The AWS credentials have expired. Log in again, or renew them.',
  },
  {
    pattern: /Unable to load SSO token|SSO session .* (?:is )?(?:invalid|not found)/i,
    words: () => 'Nobody is logged in for this SSO profile. Run: aws sso login',
  },
  {
    // Without a profile of that name, the default one is what everybody lacks.
    pattern: /Profile file contained no credentials for profile '(?!default')([^']+)'/,
    words: ([, profile]) =>
      `No profile ${profile} has credentials. Correct AWS_PROFILE, or the argument of ProfileCredentialsProvider; "aws configure list-profiles" names those that there are.`,
  },
  {
    pattern:
      /WebIdentityToken\w*\([^()]*\): java\.nio\.file\.(?:NoSuchFile|AccessDenied)Exception: ([^\s,]+)/,
    words: ([, file]) =>
      `The token of the web identity cannot be read: ${file}. Correct AWS_WEB_IDENTITY_TOKEN_FILE, or see that the platform mounts it.`,
  },
  {
    pattern: /Unable to load region from any of the providers/,
    words: () => 'No region is named. Set regionName, or AWS_REGION.',
  },
  {
    pattern: /No credential providers were specified/,
    words: () =>
      'AwsCredentialsProvider names no class that the daemon can make. "kcl-session check" tells what it takes; a class that asks STS needs AWS_REGION.',
  },
  {
    pattern:
      /UnrecognizedClientException|InvalidClientTokenId|security token included in the request is invalid|InvalidSignatureException|SignatureDoesNotMatch|InvalidAccessKeyId/,
    words: () => 'AWS does not accept the credentials: the key is unknown, or its secret is wrong.',
  },
  {
    pattern: /(?:User: (\S+) )?is not authorized to perform: (\S+)/,
    words: ([, user, action]) =>
      `The credentials${user === undefined ? '' : ` of ${user}`} may not do ${action}. Allow it in the policy of that user or role.`,
  },
  {
    // A chain of one class: what that one said.
    pattern:
      /Unable to load credentials from any of the providers in the chain [^\n]*\]\) : \[[\w.$]+@[0-9a-f]+: ([^\n]+?)(?: \(SDK Attempt Count: \d+\))?\]/,
    words: ([, said]) => `There are no AWS credentials: ${said?.replace(/\.$/, '').slice(0, 300)}.`,
  },
  {
    pattern: /Unable to load credentials|Unable to load .* credentials/,
    words: () =>
      'There are no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role.',
  },
  {
    pattern:
      /ResourceNotFoundException when fetching shard list|No shards found when attempting to validate|Stream (\S+) under account \S+ not found/,
    words: (_, { streamName, region }) =>
      `There is no stream ${streamName} in ${region}. Correct streamName or regionName, or create it.`,
  },
  {
    pattern: /IllegalArgumentException: Unknown property: (\S+)/,
    words: ([, name]) =>
      `${name} is not a setter of that client's builder in the SDK for Java. Correct or remove that property of kinesisClient, dynamoDbClient or cloudWatchClient.`,
  },
  {
    pattern: /IllegalArgumentException: (\w+) should be >= (\d+)/,
    words: ([, key, least]) => `${key} must be ${least} or more.`,
  },
  {
    pattern: /IllegalArgumentException: No enum constant (?:[\w$]+\.)*([\w$]+)\.(\S+)/,
    words: ([, type, word]) =>
      `${word} is not a word that ${type} takes. "kcl-session check" tells which property it is.`,
  },
  {
    // Netty writes host/address:port.
    pattern: /Connection refused: (?:([^\s/]*)\/)?([^\s:/]*):(\d+)/,
    words: ([, host, address, port]) => refused(`${host || address}:${port}`, 'connection refused'),
  },
  {
    pattern: /Unable to execute HTTP request: (\S+\.\S+) \(SDK|UnknownHostException: (\S+?)(?::|\s|$)/,
    words: ([, one, other]) =>
      `The host ${one ?? other} is not known. Correct the endpoint or the region, or the network's DNS.`,
  },
  {
    pattern: /UnknownHostException/,
    words: () => "A service's host is not known. Correct the endpoint or the region, or the network's DNS.",
  },
  {
    pattern: /connection timed out: (?:\S*\/)?(\S+)|Connect(?:ion)? to (\S+) .*timed out/i,
    words: ([, one, other]) => refused(one ?? other ?? 'an endpoint', 'no answer'),
  },
  {
    pattern: /Acquire operation took longer|ConnectTimeoutException|Read timed out|API call attempt timeout/i,
    words: () => 'A service does not answer in time. See to the network, the proxy and the endpoints.',
  },
  {
    pattern: /Cannot run program "(.*?)".*?error=\d+, ([^¶\n]*)/,
    words: ([, program, why]) => `The consumer's command cannot be started: ${program}: ${why}.`,
  },
  {
    pattern: /Invalid table\/index name/,
    words: (_, { applicationName }) =>
      `DynamoDB does not take ${applicationName} for a table's name: 3 to 255 of the letters a-z, A-Z, 0-9, _, - and . are allowed. Change applicationName, or give a tableName.`,
  },
  {
    pattern: /Incomplete hash range found|Hash range (?:is )?not complete/i,
    words: () =>
      'The shards of the stream do not cover the whole hash range. On kinesis-local that is so after a split: use a fresh stream.',
  },
  {
    pattern: /java\.lang\.OutOfMemoryError/,
    words: () => "Java's heap is too small. Give it more: --java-opt=-Xmx1g",
  },
]
