// How a run stops: in order, at once, or as a daemon does that crashes and begins again.
// Rule: whoever stops first is right; a run that stops in order does not crash any more.

import { clearTimeout, setTimeout } from '../timers.ts'
import type { Lease } from './lease/lease.ts'

/** Stops the leases that are at work. */
export class Stopping {
  readonly #leases: () => readonly Lease[]
  readonly #host: { kill(): void } | null
  readonly #changed: () => void
  #draining = false
  #crashing = false
  #killed = false
  #timer: ReturnType<typeof setTimeout> | null = null

  /**
   * `changed` is called after each of these; who waits must look again. `host` is the one process that serves all shards,
   * if one does: who kills a consumer kills them all.
   */
  constructor(leases: () => readonly Lease[], host: { kill(): void } | null, changed: () => void) {
    this.#leases = leases
    this.#host = host
    this.#changed = changed
  }

  /** No lease may begin. */
  get isStopping(): boolean {
    return this.#draining || this.#crashing
  }

  /** The run is on its way to its end. */
  get isDraining(): boolean {
    return this.#draining
  }

  /** Actions in hand are waited for, then each lease is given back. */
  drain(): void {
    this.#draining = true
    this.#changed()
  }

  /** Whether consumers were killed, and not by a fault. */
  get isKilled(): boolean {
    return this.#killed
  }

  kill(): void {
    this.#killed = true
    this.drain()
    this.#cutOff(true)
  }

  /** The real daemon goes down as a whole. The healthy consumers get a moment to store what they have. */
  giveUp(): void {
    this.drain()
    this.#later(() => this.kill())
  }

  /** The daemon goes down, to begin again; with a consumer that was killed, or by itself. False: not now. */
  crash(killed: Lease | null): boolean {
    if (this.isStopping) return false
    this.#crashing = true
    killed?.cutOff(true)
    if (killed === null) this.#cutOff(false)
    else if (this.#host !== null) this.#cutOff(true)
    else this.#later(() => this.#cutOff(false))
    this.#changed()
    return true
  }

  /** All leases are over. True: the run begins again. */
  settle(): boolean {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const again = this.#crashing && !this.#draining
    this.#crashing = false
    return again
  }

  #cutOff(kill: boolean): void {
    if (kill) this.#host?.kill()
    for (const lease of this.#leases()) lease.cutOff(kill)
  }

  #later(stop: () => void): void {
    this.#timer ??= setTimeout(stop, GIVE_UP_TIME)
  }
}

// How long healthy consumers may go on when another one has failed, in milliseconds.
const GIVE_UP_TIME = 5000
