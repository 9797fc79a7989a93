// Turns of the event loop. Under a body that never waits for I/O, the daemon's answers, the end of the input and
// signals would not be seen.

/** Tells when the event loop should turn again. */
export class Turns {
  #last = 0

  /** The event loop has just turned. */
  turned(): void {
    this.#last = performance.now()
  }

  /** A promise to wait for, when the last turn is too long ago; else null. */
  due(): Promise<void> | null {
    if (performance.now() - this.#last < LONGEST_WITHOUT) return null
    return new Promise((resolve) => {
      setImmediate(() => {
        this.turned()
        resolve()
      })
    })
  }
}

// Milliseconds.
const LONGEST_WITHOUT = 20
