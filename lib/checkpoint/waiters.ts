// Who waits for a checkpoint: the promises of explicit ones, each with the target that has to be stored for it.

import { compareTargets, type Target } from './target.ts'

/** A promise, and what it is about. */
export interface Waiter {
  readonly target: Target
  readonly resolve: (stored: boolean) => void
  readonly reject: (error: Error) => void
}

/** The promises that are pending. */
export class Waiters {
  #waiters: Waiter[] = []

  get none(): boolean {
    return this.#waiters.length === 0
  }

  wait(target: Target): Promise<boolean> {
    return new Promise((resolve, reject) => this.#waiters.push({ target, resolve, reject }))
  }

  /** Whether somebody waits for the target, or one behind it. */
  reach(target: Target): boolean {
    return this.#waiters.some((waiter) => compareTargets(waiter.target, target) >= 0)
  }

  /** Takes out those whose targets do not lie behind this one. */
  take(target: Target): Waiter[] {
    const reached = this.#waiters.filter((waiter) => compareTargets(waiter.target, target) <= 0)
    this.#waiters = this.#waiters.filter((waiter) => compareTargets(waiter.target, target) > 0)
    return reached
  }

  takeAll(): Waiter[] {
    return this.#waiters.splice(0)
  }
}
