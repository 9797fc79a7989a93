// What an operator should know of the daemon's ways, read from its log: shards that end and their children, leases
// that go to another worker or are lost. Each line names what happened, what waits for it, and for how long. Pure.

import type { DaemonEvent } from './marks.ts'

/** A line for people. */
export interface News {
  readonly importance: 'info' | 'warn'
  readonly text: string
  /** What it is about; at a handover, the shard's consumer should end soon. */
  readonly topic: 'shard end' | 'handover' | 'leadership'
  readonly shardId?: string
}

/** The news in an event, if there is any. */
export function newsOf({ logger, message }: DaemonEvent): News | undefined {
  for (const { from, pattern, tell } of KNOWN) {
    const match = from === logger ? pattern.exec(message) : null
    if (match !== null) return tell(match)
  }
  return undefined
}

/** The shard of an event that says that its lease is lost; so a lease is given back in good order, too. */
export function lostLeaseOf({ logger, message }: DaemonEvent): string | undefined {
  return logger === 'DynamoDBLeaseRenewer' ? LOST.exec(message)?.[1] : undefined
}

/** The words for shards whose consumers were at work when their leases were lost. */
export function tellLost(shardIds: readonly string[]): string {
  const whose =
    shardIds.length === 1 ? `The lease of ${shardIds[0]} is` : `The leases of ${list(shardIds)} are`
  return `${whose} lost: not renewed within failoverTimeMillis (10 s by default), because the daemon or DynamoDB stood still, or taken by another worker. Whoever holds it next goes on from the last checkpoint; what came after that is delivered again.`
}

/** The words for a consumer that does not end although its lease goes to another worker. */
export function tellStuck(shardId: string, seconds: number): string {
  return `${shardId}: its lease was to go to another worker ${seconds} s ago, and its consumer is still there. Either it is in a batch that takes long, or the leader gave the lease back in the middle of the handover: then the KCL renews it, and nobody reads the shard until this worker is started again.`
}

/** The words for a lease that is taken away again before its consumer was started. */
export function tellForgotten(shardId: string): string {
  return `${shardId}: the leader gives the lease to another worker before a consumer was started here. The KCL 3.1 may forget such a handover: then this worker renews the lease, and nobody reads the shard until the leader takes it away for good, after gracefulLeaseHandoffTimeoutMillis and failoverTimeMillis (40 s by default).`
}

/** The words for a worker without a shard, since its start or since its last consumer ended. */
export function tellIdle(
  seconds: number,
  started: number,
  { applicationName, streamName }: { readonly applicationName: string; readonly streamName: string },
): string {
  const what =
    started === 0
      ? `No consumer has started within ${seconds} s`
      : `No consumer has been at work for ${seconds} s`
  const again =
    started === 0 ? 'its lease table belongs to another stream than' : 'somebody made anew the stream'
  return `${what}. Either other workers of ${applicationName} hold every lease, or ${again} ${streamName}, or every shard has been read to its end. --log-level=info shows the daemon's own log.`
}

/** The words for consumers that are not done when the time for a stop is nearly over. */
export function tellLastCall(late: readonly { readonly shardId: string; readonly pid: number }[]): string {
  const who = list(late.map(({ shardId, pid }) => `${shardId} (pid ${pid})`))
  return `Not done yet: ${who}. Either a batch is in hand, which will be delivered again (give a longer --stop-timeout for batches that take long), or the consumer ignores the end of its input.`
}

export const NO_LEASES =
  'There are no leases yet; the daemon waits for up to half a minute before it makes them, in case another worker does.'

interface Known {
  readonly from: string
  readonly pattern: RegExp
  readonly tell: (match: RegExpExecArray) => News
}

const KNOWN: readonly Known[] = [
  {
    from: 'LeaseAssignmentManager',
    pattern: /releasing leadership from worker/,
    tell: () => ({
      importance: 'warn',
      text: 'This worker gives up leading the application, because it could not hand out leases several times in a row. New shards, and those whose leases are lost, wait until a worker leads again: about half a minute after DynamoDB answers.',
      topic: 'leadership',
    }),
  },
  {
    from: 'ShutdownTask',
    pattern: /^Shard (\S+): Updated current lease \S+ with child shard information: \[([^\]]*)\]/,
    tell: ([, shardId = '', children = '']) => ({
      importance: 'info',
      text: tellEnd(shardId, children.split(', ')),
      topic: 'shard end',
      shardId,
    }),
  },
  {
    from: 'LeaseGracefulShutdownHandler',
    pattern: /^Calling graceful shutdown for lease (\S+)/,
    tell: ([, shardId = '']) => ({
      importance: 'info',
      text: `${shardId}: the leader gives the lease to another worker. The consumer finishes what it has in hand, checkpoints and ends; the other worker begins after that, or after gracefulLeaseHandoffTimeoutMillis (30 s by default).`,
      topic: 'handover',
      shardId,
    }),
  },
]

function tellEnd(shardId: string, children: readonly string[]): string {
  const when = 'once the leader has given them out (leaseAssignmentIntervalMillis, 20 s by default)'
  return children.length > 1
    ? `${shardId} was split, and has been read to its end. Its children ${list([...children].sort())} get consumers ${when}.`
    : `${shardId} was merged, and has been read to its end. The child ${list(children)} gets a consumer when its other parent has been read to its end too, and ${when.replace('them', 'it')}.`
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

const LOST = /^Worker \S+ lost lease with key (\S+)/
