// No shard is held silently. A session that leaves records or an action behind says so on stderr, once for each batch,
// and in the exit code; if no loop comes back in time, the protocol's output is closed, so that the daemon fails and
// another worker takes over, instead of waiting for ever with the lease renewed.

import { formatPosition } from '../checkpoint/position.ts'
import { notice } from '../io/stderr.ts'
import type { Position } from '../protocol/messages.ts'
import type { Clock } from '../time.ts'

/** What abandonment asks of its session. */
export interface AbandonmentPort {
  readonly clock: Clock
  /** Milliseconds. */
  readonly abandonAfter: number
  /** Whether the exit code is ours to set: the session speaks on the process's own pipes. */
  readonly own: boolean
  /** What a process that ends now leaves behind; null where that is nothing. */
  leaves(): Left | 'no loop' | 'no daemon' | null
  /** The time is up. */
  abandon(): void
  /** What was left is left for good. */
  closeOutput(): void
}

/** What nobody works on. */
export interface Left {
  readonly shardId: string | null
  /** The action that is not acknowledged; null between two. */
  readonly action: string | null
  /** How many records are not finished, and the first of them. */
  readonly unfinished: number
  readonly position: Position | null
  /** Whether the daemon would go on behind them: nothing is stored, and it did not begin at TRIM_HORIZON. */
  readonly skipped: boolean
  /** No loop can come back to it. */
  readonly forGood: boolean
}

/** Watches over what a loop left behind. */
export class Abandonment {
  readonly #port: AbandonmentPort
  #cancel: (() => void) | null = null
  #told: string | null = null
  #left: Left | null = null

  constructor(port: AbandonmentPort) {
    this.#port = port
    if (port.own) process.on('exit', this.#onExit)
  }

  /** Something is in hand, and nobody works on it. */
  left(left: Left): void {
    const key = `${left.action} ${left.position === null ? '' : formatPosition(left.position)} ${left.forGood}`
    if (key === this.#told && this.#left !== null) return
    const { abandonAfter, clock } = this.#port
    if (key !== this.#told) notice(describe(left, left.forGood ? GIVEN_UP : closes(abandonAfter)))
    this.entered()
    this.#told = key
    this.#left = left
    // The watch is no reason to live: a process that ends closes its pipes, and says the same to the daemon.
    if (left.forGood) this.#port.closeOutput()
    else this.#cancel = clock.after(abandonAfter, () => this.#port.abandon(), { unref: true })
  }

  /** A loop is live again, or what was in hand is done. */
  entered(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#left = null
  }

  // A process that ends closes its pipes: the daemon takes that for a failure, and nothing else would tell why.
  readonly #onExit = (): void => {
    const leaves = this.#left ?? this.#port.leaves()
    if (leaves === null) return
    if (leaves === 'no loop') notice(NO_LOOP)
    else if (leaves === 'no daemon') notice(NO_DAEMON)
    else {
      if (this.#left === null) notice(describe(leaves, 'The process ends in the middle of it'))
      process.exitCode ??= 1
    }
  }
}

/** What becomes of records that were not stored. */
export function comesAgain(skipped: boolean): string {
  return skipped
    ? 'may be skipped by the next consumer: no position is stored yet, and the shard did not begin at TRIM_HORIZON'
    : 'will be delivered again'
}

function describe({ shardId, action, unfinished, position, skipped }: Left, consequence: string): string {
  const again =
    position === null ? '' : `; its records from ${formatPosition(position)} on ${comesAgain(skipped)}`
  const what =
    unfinished > 0
      ? `a batch was left ${action === 'processRecords' ? 'unacknowledged' : 'unfinished'}${again}`
      : action === null
        ? 'the session failed'
        : action === 'processRecords'
          ? 'a batch was left unacknowledged'
          : `${action} was left unacknowledged`
  return `kcl-session: ${shardId ?? 'no shard yet'}: ${what}. ${consequence}.`
}

function closes(abandonAfter: number): string {
  const seconds = Math.round(abandonAfter / 100) / 10
  return `Unless batches() is called again, the pipe to the daemon is closed in ${seconds} s`
}

const GIVEN_UP = 'The pipe to the daemon is closed, so that it does not wait for an answer'
const NO_LOOP =
  'kcl-session: the process ends, and no loop over session.batches() was ever started, nor forEach(): what the daemon said was not read.'
const NO_DAEMON =
  'kcl-session: the input ended before a daemon said anything. To try a consumer on a file: npx kcl-session dev --input events.ndjson -- node consumer.js'
