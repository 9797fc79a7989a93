// The time at which records are finished. Reading the clock costs as much as all else that is done for a record, so
// while records come quickly it is read for every sixteenth within one turn of the event loop, which turns before it
// waits for anything.

import { type Clock, systemClock } from '../time.ts'
import { setImmediate } from '../timers.ts'

/** The session's clock, for whoever asks once a record. */
export class RecordClock {
  readonly #clock: Clock
  #time = Number.NEGATIVE_INFINITY
  // How many more times the last reading will do.
  #rest = 0
  #watchesTurn = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    if (this.#rest === 0) return this.#read()
    this.#rest -= 1
    return this.#time
  }

  #read(): number {
    const time = this.#clock.now()
    if (time - this.#time < QUICK && this.#clock === systemClock) this.#spare()
    this.#time = time
    return time
  }

  #spare(): void {
    this.#rest = SPARED
    if (this.#watchesTurn) return
    this.#watchesTurn = true
    setImmediate(this.#turned)
  }

  readonly #turned = (): void => {
    this.#watchesTurn = false
    this.#rest = 0
  }
}

const SPARED = 15
// Milliseconds between two readings.
const QUICK = 0.5
