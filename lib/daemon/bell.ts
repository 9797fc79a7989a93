// Something has changed: everyone who waits is woken and looks for himself.

/** Wakes all who wait, once for each ring. */
export class Bell {
  #waiting: (() => void)[] = []

  ring(): void {
    const woken = this.#waiting
    this.#waiting = []
    for (const wake of woken) wake()
  }

  /** Resolves at the next ring. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
