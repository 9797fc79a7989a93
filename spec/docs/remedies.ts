// What to do about each finding of dev. A finding that has no remedy here does not compile.

import type { FindingKind } from '../../lib/daemon/conversation/findings.ts'

/** For whoever writes the consumer, in whatever language. */
export const REMEDIES: Readonly<Record<FindingKind, string>> = {
  text: 'Write to standard error. `kcl-session` does so for `console.log`; with `node` itself as the command, other writers are out of the way, too.',
  'null-line': 'Find what prints `null`, and have it write to standard error.',
  'glued-text': 'Find what prints without a newline, or begin every message with one, as `kcl-session` does.',
  'extra-key': 'Send the keys of the protocol and no others.',
  malformed: 'Send one JSON object a line, with an `action` that the daemon knows.',
  'wrong-response': 'Answer the action in hand, by the name that it came with.',
  'second-status': 'Answer each action once: is there a second session, or a callback that is called twice?',
  'late-checkpoint': 'Wait for every checkpoint before the status is sent.',
  'checkpoint-out-of-turn':
    'Ask for checkpoints in `processRecords`, `shutdownRequested` and `shardEnded` only.',
  'position-refused':
    'Give the position of a record that was delivered to this consumer, and none before the last stored one.',
  'latest-stored': 'Give a sequence number of a record, never the word.',
  'shard-end-not-stored':
    'Checkpoint without a sequence number at `shardEnded`, and wait for the answer. A session does it unasked.',
  ended:
    'Its last words say why. A consumer lives until its input ends: keep it from exiting, and catch what it throws.',
  'ended-idle': 'Do not exit while there is nothing to do: wait for the end of the input.',
  'input-closed': "Read standard input, or descriptor 3, to its end; start children with `stdio: 'ignore'`.",
  'no-answer':
    'Find what the consumer waits for, and give that a timeout. Where batches just take long, raise `--timeout`.',
  'no-end':
    'Close what keeps the process alive, such as a server, a timer or a pool, when the loop has ended.',
  'pipe-held': "End the programs that the consumer has started, or start them with `stdio: 'ignore'`.",
  'exit-code': 'Exit with 0 after the end of the input; what sets another code has failed before.',
}
