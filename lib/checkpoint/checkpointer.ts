// The asynchronous side of checkpointing. One request is on the wire at a time, and the newest position wins: a lower
// one rides along. What is asked for between actions, or has to wait before its next try, goes out in the next
// action that allows a checkpoint. Explicit requests have promises; automatic ones only a log line.

import type { CheckpointError, KclError } from '../errors.ts'
import type { Position } from '../protocol/messages.ts'
import type { Clock } from '../time.ts'
import { type Campaign, merge, type Next } from './campaign.ts'
import { refusalOf } from './refusal.ts'
import { type RetrySchedule, retryDelay } from './retry.ts'
import { compareTargets, refusal, SHARD_END, type Target } from './target.ts'
import { type Waiter, Waiters } from './waiters.ts'

/** What the checkpointer asks of its loop. */
export interface CheckpointerPort {
  readonly clock: Clock
  readonly schedule: RetrySchedule
  /** Whether the conversation allows a checkpoint now. */
  allowed(): boolean
  /** `tries` counts this one. */
  send(target: Target, tries: number, explicit: boolean): void
  /** Of one try; another may follow. */
  refused(target: Target, exception: string, tries: number): void
  stored(target: Target): void
  failed(target: Target, error: CheckpointError): void
  /** The daemon said that the lease is lost; called before any promise settles. */
  leaseLost(): void
  /** An automatic checkpoint failed for good. */
  gaveUp(error: CheckpointError): void
  /** Another try went out, the first excluded. */
  retried(): void
  waitersChanged(): void
}

/** Stores positions, one at a time. */
export class Checkpointer {
  readonly #port: CheckpointerPort
  #stored: Target | null = null
  #storedPosition: Position | null = null
  #current: Campaign | null = null
  #next: Next | null = null
  readonly #waiters: Waiters = new Waiters()
  #watchers: { done: () => boolean; resolve: () => void }[] = []
  #coolUntil = Number.NEGATIVE_INFINITY
  #over: 'lease lost' | KclError | null = null

  constructor(port: CheckpointerPort) {
    this.#port = port
  }

  /** The last stored position; null before the first. */
  get stored(): Position | null {
    return this.#storedPosition
  }

  get storedShardEnd(): boolean {
    return this.#stored === SHARD_END
  }

  /** Whether a checkpoint is on its way, or waits for its turn or its next try. */
  get busy(): boolean {
    return this.#current !== null
  }

  /** Whether a promise of an explicit checkpoint is pending. */
  get hasWaiters(): boolean {
    return !this.#waiters.none
  }

  /** Whether automatic checkpoints rest, because one failed for good a moment ago. */
  rests(now: number): boolean {
    return now < this.#coolUntil
  }

  /** Where the daemon says that this shard's work goes on. */
  startAt(position: Position): void {
    this.#stored = position
    this.#storedPosition = position
  }

  /** Whether everything up to the target is stored. */
  hasStored(target: Target): boolean {
    return this.#stored !== null && compareTargets(target, this.#stored) <= 0
  }

  /** Whether an explicit checkpoint at the position, or behind it, waits for its answer. */
  awaits(position: Position): boolean {
    return this.#waiters.reach(position)
  }

  /** Asks in the background; a failure is logged and nothing else. */
  automatic(position: Position): void {
    if (this.#over === null && !this.hasStored(position)) this.#ask(position, false)
  }

  /** True when everything up to the target is stored, false when the lease is lost. Rejects with CheckpointError or ChannelClosedError. */
  explicit(target: Target): Promise<boolean> {
    if (this.hasStored(target)) return Promise.resolve(true)
    if (this.#over === 'lease lost') return Promise.resolve(false)
    if (this.#over !== null) return Promise.reject(this.#over)
    const stored = this.#waiters.wait(target)
    this.#port.waitersChanged()
    this.#ask(target, true)
    return stored
  }

  /** Sends what is waiting, if the conversation allows it now. */
  resume(): void {
    const campaign = this.#current
    if (campaign?.phase !== 'held' || !this.#port.allowed()) return
    campaign.phase = 'asked'
    campaign.tries += 1
    if (campaign.tries > 1) this.#port.retried()
    this.#port.send(campaign.target, campaign.tries, campaign.explicit)
  }

  /** Takes the daemon's answer to the request on the wire; `exception` is null when it is stored. */
  answered(exception: string | null): void {
    const campaign = this.#current
    if (campaign === null) return
    const refusal = exception === null ? null : refusalOf(exception)
    if (exception !== null) this.#port.refused(campaign.target, exception, campaign.tries)
    if (exception === null) this.#succeed(campaign)
    else if (refusal === 'lease lost') this.#port.leaseLost()
    else if (refusal === 'try again' && campaign.tries < this.#port.schedule.attempts) this.#wait(campaign)
    else this.#giveUp(campaign, exception)
    this.resume()
    this.#notify()
  }

  /** Resolves when no request is on the wire: what waits for another try may wait on. */
  quiet(): Promise<void> {
    return this.#when(() => this.#current?.phase !== 'asked')
  }

  /** Resolves when no promise of an explicit checkpoint is pending. */
  settled(): Promise<void> {
    return this.#when(() => this.#waiters.none && this.#current?.phase !== 'asked')
  }

  /** The lease is lost, or with an error the channel is gone: promises settle, and nothing is asked any more. */
  close(reason: 'lease lost' | KclError): void {
    if (this.#over !== null) return
    this.#over = reason
    this.#current?.cancelWait?.()
    this.#current = null
    this.#next = null
    for (const { resolve, reject } of this.#waiters.takeAll()) {
      if (reason === 'lease lost') resolve(false)
      else reject(reason)
    }
    this.#port.waitersChanged()
    this.#notify()
  }

  #ask(target: Target, explicit: boolean): void {
    const campaign = this.#current
    if (campaign === null) {
      this.#current = { target, explicit, phase: 'held', tries: 0, cancelWait: null }
    } else if (campaign.phase === 'asked') {
      if (compareTargets(target, campaign.target) > 0) {
        this.#next = merge(this.#next, target, explicit)
      } else if (explicit && !campaign.explicit) {
        // The one on the wire is the first of its tries, however many the automatic one has had.
        campaign.explicit = true
        campaign.tries = 1
      }
    } else {
      this.#raise(campaign, target, explicit)
    }
    this.resume()
  }

  // A campaign between two tries goes on with the newest position. An explicit request does not wait for an
  // automatic one's backoff, and has all its tries before it.
  #raise(campaign: Campaign, target: Target, explicit: boolean): void {
    if (compareTargets(target, campaign.target) > 0) campaign.target = target
    // The end of the shard must be stored: it does not inherit what others have used up.
    if (target === SHARD_END) campaign.tries = 0
    if (!explicit || campaign.explicit) return
    campaign.explicit = true
    campaign.tries = 0
    campaign.cancelWait?.()
    campaign.cancelWait = null
    campaign.phase = 'held'
  }

  #succeed(campaign: Campaign): void {
    const { target } = campaign
    this.#stored = target
    if (target !== SHARD_END) this.#storedPosition = target
    this.#startNext()
    this.#port.stored(target)
    for (const { resolve } of this.#takeWaiters(target)) resolve(true)
  }

  #wait(campaign: Campaign): void {
    const delay = retryDelay(this.#port.schedule, campaign.tries, Math.random)
    const wake = (): void => {
      campaign.cancelWait = null
      campaign.phase = 'held'
      this.resume()
    }
    campaign.phase = 'waiting'
    // Only a promise of the user's is a reason to keep the process for another try.
    campaign.cancelWait = this.#port.clock.after(delay, wake, { unref: !campaign.explicit })
    const next = this.#next
    this.#next = null
    if (next !== null) this.#raise(campaign, next.target, next.explicit)
  }

  #giveUp(campaign: Campaign, exception: string): void {
    const error = refusal(campaign.target, campaign.tries, exception)
    this.#port.failed(campaign.target, error)
    const now = this.#port.clock.now()
    if (!campaign.explicit) {
      this.#coolUntil = now + this.#port.schedule.maxDelay
      this.#port.gaveUp(error)
    }
    if (this.#next !== null && !this.#next.explicit && this.rests(now)) {
      this.#port.failed(this.#next.target, error)
      this.#next = null
    }
    this.#startNext()
    for (const { reject } of this.#takeWaiters(campaign.target)) reject(error)
  }

  #startNext(): void {
    const next = this.#next
    this.#next = null
    this.#current = next && { ...next, phase: 'held', tries: 0, cancelWait: null }
  }

  #takeWaiters(target: Target): Waiter[] {
    const reached = this.#waiters.take(target)
    if (reached.length > 0) this.#port.waitersChanged()
    return reached
  }

  #when(done: () => boolean): Promise<void> {
    if (this.#over !== null || done()) return Promise.resolve()
    return new Promise((resolve) => this.#watchers.push({ done, resolve }))
  }

  #notify(): void {
    const ready = this.#watchers.filter((watcher) => this.#over !== null || watcher.done())
    this.#watchers = this.#watchers.filter((watcher) => !ready.includes(watcher))
    for (const { resolve } of ready) resolve()
  }
}
