// What a consumer can do wrong, and what the real daemon would make of it: one table, the words of a report.
// Rule: a finding says what was expected, what came, and what the real daemon does; never what to think of it.

import type { DaemonAction } from './messages.ts'

/** What the real daemon does: goes on, refuses the checkpoint, waits for ever, exits 1, or goes on with a wrong idea of what is done. */
export type Consequence = 'skip' | 'refuse' | 'hang' | 'exit' | 'wrong'

/** The names of everything a consumer can do wrong. */
export type FindingKind =
  | 'text'
  | 'null-line'
  | 'glued-text'
  | 'extra-key'
  | 'malformed'
  | 'wrong-response'
  | 'second-status'
  | 'late-checkpoint'
  | 'checkpoint-out-of-turn'
  | 'position-refused'
  | 'latest-stored'
  | 'shard-end-not-stored'
  | 'ended'
  | 'ended-idle'
  | 'input-closed'
  | 'no-answer'
  | 'no-end'
  | 'pipe-held'
  | 'exit-code'

/** Something that a consumer did wrong. */
export interface Finding {
  readonly kind: FindingKind
  readonly shardId: string
  /** The action in hand when it happened, or null between two actions. */
  readonly action: DaemonAction | null
  readonly expected: string
  /** The line, cut where it is very long, or what happened in words. */
  readonly came: string
  /** What the real daemon does about it, a sentence. */
  readonly daemon: string
  readonly consequence: Consequence
  /** What the reason may be, where that can be guessed. */
  readonly hint?: string
}

/** Whether nothing sensible can follow: the run ends with this finding. */
export function endsRun(finding: Finding): boolean {
  return finding.consequence !== 'skip' && finding.consequence !== 'refuse'
}

/** Whether the daemon takes no notice: worth a remark, and no failure of the run. */
export function isRemark(finding: Finding): boolean {
  return finding.consequence === 'skip'
}

/** When it happened, in words. */
export function whenFound(finding: Finding): string {
  if (finding.action !== null) return `during ${finding.action}`
  return AT_END.has(finding.kind) ? 'at the end' : 'between two actions'
}

/** Makes a finding; `expected` and `came` are completed by what the table knows about its kind. */
export function finding(
  kind: FindingKind,
  details: { shardId: string; action: DaemonAction | null; came: string; expected?: string },
): Finding {
  const { daemon, consequence } = FINDINGS[kind]
  const { shardId, action, came } = details
  const expected = details.expected ?? expectation(action)
  return { kind, shardId, action, expected, came: cut(came), daemon, consequence }
}

/** What a consumer may send while it has an action in hand. */
export function expectation(action: DaemonAction | null): string {
  if (action === null) return 'nothing: no action was in hand'
  const status = JSON.stringify({ action: 'status', responseFor: action })
  if (action === 'initialize' || action === 'leaseLost') return status
  if (action === 'shardEnded') return `{"action":"checkpoint"} and, once it is stored, ${status}`
  return `${status}, or a checkpoint before it`
}

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`
}

const LONGEST = 500
const AT_END: ReadonlySet<FindingKind> = new Set<FindingKind>(['no-end', 'pipe-held', 'exit-code'])

/** What the real daemon does about each. */
export const FINDINGS: Readonly<Record<FindingKind, { consequence: Consequence; daemon: string }>> = {
  text: {
    consequence: 'skip',
    daemon: 'It skips the line and waits on. Text belongs on standard error.',
  },
  'null-line': {
    consequence: 'exit',
    daemon: 'It stumbles over the line (NullPointerException) and exits 1, with every shard of the worker.',
  },
  'glued-text': {
    consequence: 'hang',
    daemon:
      'It skips the whole line, message and all, and both sides wait for ever. Begin every message with a newline.',
  },
  'extra-key': {
    consequence: 'hang',
    daemon: 'It skips a message with a key that it does not know, and both sides wait for ever.',
  },
  malformed: {
    consequence: 'hang',
    daemon: 'It cannot read the message, skips the line, and both sides wait for ever.',
  },
  'wrong-response': {
    consequence: 'exit',
    daemon: 'It exits 1, with every shard of the worker.',
  },
  'second-status': {
    consequence: 'wrong',
    daemon: 'It keeps the status for the next action, which is so acknowledged before it is worked on.',
  },
  'late-checkpoint': {
    consequence: 'wrong',
    daemon:
      'It carries the checkpoint out in the next action; one without a sequence number stores the whole next batch, unprocessed.',
  },
  'checkpoint-out-of-turn': {
    consequence: 'refuse',
    daemon: 'It answers InvalidStateException: this action has no checkpointer.',
  },
  'position-refused': {
    consequence: 'refuse',
    daemon: 'It answers IllegalArgumentException and stores nothing.',
  },
  'latest-stored': {
    consequence: 'wrong',
    daemon: 'It stores LATEST: after the next restart everything not yet read is passed over.',
  },
  'shard-end-not-stored': {
    consequence: 'hang',
    daemon: 'It sends shardEnded to a new process again and again, and the shards that follow never start.',
  },
  ended: {
    consequence: 'exit',
    daemon:
      'It reads the end of the output where it waits for a message, and exits 1, with every shard of the worker.',
  },
  'ended-idle': {
    consequence: 'exit',
    daemon:
      'It notices at the next record or at the end of the lease, and exits 1, with every shard of the worker. A consumer lives until its input ends.',
  },
  'input-closed': {
    consequence: 'hang',
    daemon: 'It cannot hand the action over and waits for ever.',
  },
  'no-answer': {
    consequence: 'hang',
    daemon:
      'Without timeoutInSeconds it waits without limit and keeps the lease; with it the JVM halts at once, without a drain.',
  },
  'no-end': {
    consequence: 'hang',
    daemon: "The shard's thread is blocked as long as the process lives.",
  },
  'pipe-held': {
    consequence: 'hang',
    daemon:
      "The shard's thread is blocked as long as another process holds the consumer's output or standard error.",
  },
  'exit-code': {
    consequence: 'skip',
    daemon: 'It takes no notice: everything was acknowledged. A program rarely means it.',
  },
}
