// No shard is held silently. A session that leaves an action unacknowledged says so on stderr and in the exit code;
// if no loop comes back to it in time, the protocol's output is closed, so that the daemon fails and another worker
// takes over, instead of waiting for ever with the lease renewed.

import { formatPosition } from './checkpoint/position.ts'
import { notice } from './io/stderr.ts'
import type { LeftAction } from './loop.ts'
import type { Clock } from './time.ts'

/** What the watchdog asks of its session. */
export interface WatchdogPort {
  readonly clock: Clock
  /** Milliseconds. */
  readonly abandonAfter: number
  /** Whether the exit code is ours to set: the session speaks on the process's own pipes. */
  readonly own: boolean
  /** The time is up. */
  abandon(): void
}

/** Watches over what a loop left behind. */
export class Watchdog {
  readonly #port: WatchdogPort
  #cancel: (() => void) | null = null
  #setExitCode = false

  constructor(port: WatchdogPort) {
    this.#port = port
  }

  /** An action is in hand, and nobody works on it. */
  left(action: LeftAction): void {
    if (this.#port.own && process.exitCode === undefined) {
      process.exitCode = 1
      this.#setExitCode = true
    }
    this.#cancel?.()
    this.#cancel = null
    if (action.forGood) {
      notice(describe(action, 'The pipe to the daemon is closed, so that it does not wait for an answer'))
      return
    }
    const { abandonAfter, clock } = this.#port
    const seconds = Math.round(abandonAfter / 100) / 10
    notice(
      describe(action, `Unless batches() is called again, the pipe to the daemon is closed in ${seconds} s`),
    )
    // The watch is no reason to live: a process that ends closes its pipes, and says the same to the daemon.
    this.#cancel = clock.after(abandonAfter, () => this.#port.abandon(), { unref: true })
  }

  /** A loop is live again. */
  entered(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  /** The action was acknowledged after all: the exit code that was set for it is taken back. */
  acknowledged(): void {
    this.entered()
    if (this.#setExitCode && process.exitCode === 1) process.exitCode = undefined
    this.#setExitCode = false
  }
}

function describe({ shardId, action, position }: LeftAction, consequence: string): string {
  const again =
    position === null ? '' : `; its records from ${formatPosition(position)} on will be delivered again`
  const what =
    action === null
      ? 'the session failed'
      : action === 'processRecords'
        ? `a batch was left unacknowledged${again}`
        : `${action} was left unacknowledged`
  return `kcl-session: ${shardId ?? 'no shard yet'}: ${what}. ${consequence}.`
}
