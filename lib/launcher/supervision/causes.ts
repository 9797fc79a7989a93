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
  const text = [event.message, ...event.causes].join('\n')
  for (const { pattern, words } of KNOWN) {
    const match = pattern.exec(text)
    if (match !== null) return words(match, context)
  }
  return undefined
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

interface Known {
  readonly pattern: RegExp
  readonly words: (match: RegExpExecArray, context: CauseContext) => string
}

const KNOWN: readonly Known[] = [
  {
    pattern: /Unable to load credentials|Unable to load .* credentials/,
    words: () =>
      'There are no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role.',
  },
  {
    pattern:
      /UnrecognizedClientException|InvalidClientTokenId|security token included in the request is invalid|InvalidSignatureException|SignatureDoesNotMatch|InvalidAccessKeyId/,
    words: () => 'AWS does not accept the credentials: the key is unknown, or its secret is wrong.',
  },
  {
    pattern:
      /ExpiredToken|security token included in the request is expired|The SSO session .* (?:has )?expired|Token (?:for \S+ )?has expired/i,
    words: () => 'The AWS credentials have expired. Log in again, or renew them.',
  },
  {
    pattern: /(?:User: (\S+) )?is not authorized to perform: (\S+)/,
    words: ([, user, action]) =>
      `The credentials${user === undefined ? '' : ` of ${user}`} may not do ${action}. Allow it in the policy of that user or role.`,
  },
  {
    pattern:
      /ResourceNotFoundException when fetching shard list|No shards found when attempting to validate|Stream (\S+) under account \S+ not found/,
    words: (_, { streamName, region }) =>
      `There is no stream ${streamName} in ${region}. Correct streamName or regionName, or create it.`,
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
    pattern: /the '(\w+)' service module must be on the class path/,
    words: ([, module]) =>
      `The jars lack the SDK's ${module} module, which this profile needs. Use the jars of "kcl-session jars".`,
  },
  {
    pattern: /java\.lang\.OutOfMemoryError/,
    words: () => "Java's heap is too small. Give it more: --java-opt=-Xmx1g",
  },
]
