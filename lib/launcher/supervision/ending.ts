// The end of a run, once it was asked to stop, or a consumer died, or the start failed: who is waited for, and until
// when. Those alive at the time are: the daemon takes drained shards up again, and starts new consumers for them.

import type { Clock } from '../../time.ts'
import { isAlive } from '../machine/processes.ts'
import type { Death } from './last-words.ts'
import { tellLastCall } from './news.ts'
import type { Reporter } from './reporter.ts'
import type { RosterEntry } from './roster.ts'

/** What an end goes by. Times are milliseconds. */
export interface EndingOptions {
  readonly clock: Clock
  readonly reporter: Reporter
  readonly stopTimeout: number
  /** The death that is the reason. */
  readonly death: Death | undefined
  readonly waitingFor: readonly RosterEntry[]
  /** How long the daemon has after the last of them, to give back the leader's lock. */
  readonly linger: number
}

/** A run on its way to its end. */
export class Ending {
  /** It was asked to stop; otherwise it failed. */
  readonly isStop: boolean
  readonly since: number
  readonly death: Death | undefined
  readonly #options: EndingOptions
  #quietSince: number | undefined
  #warned = false

  constructor(name: 'stopping' | 'failing', options: EndingOptions) {
    this.isStop = name === 'stopping'
    this.since = options.clock.now()
    this.death = options.death
    this.#options = options
  }

  /** Whether the daemon is waited for, needs no more time, or has had all of it. */
  look(now: number): 'wait' | 'done' | 'too late' {
    const { waitingFor, linger, stopTimeout, reporter } = this.#options
    const left = waitingFor.filter(({ pid }) => isAlive(pid))
    const elapsed = now - this.since
    // What the consumer started may hold its pipes open: then the daemon waits to see it out.
    if (elapsed >= DEATH_NEWS) this.death?.tell()
    if (left.length === 0) {
      this.#quietSince ??= now
      // The JVM would only wait for its failover time now. The leader's lock takes it a second to give back.
      return now - this.#quietSince >= linger && elapsed >= 2 * linger ? 'done' : 'wait'
    }
    this.#quietSince = undefined
    if (elapsed >= stopTimeout) return 'too late'
    if (elapsed >= stopTimeout - LAST_CALL && !this.#warned) {
      this.#warned = true
      reporter.tell('warn', tellLastCall(left))
    }
    return 'wait'
  }
}

const LAST_CALL = 1000
const DEATH_NEWS = 500
