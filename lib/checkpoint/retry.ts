// When to try again: exponential backoff with full jitter, so that the shards of a stream do not come back in step.

import { UsageError } from '../errors.ts'
import { refuseUnknown } from '../nearest.ts'
import { type DurationInput, toMilliseconds } from '../time.ts'

/** How often something is tried, and how long to wait in between. */
export interface RetryOptions {
  /** Tries in all, the first included: a whole number from 1. */
  readonly attempts?: number | undefined
  /** The longest wait before the second try; it doubles for each further one. */
  readonly initialDelay?: DurationInput | undefined
  /** No wait is longer. */
  readonly maxDelay?: DurationInput | undefined
}

/** A schedule in milliseconds, read from options and checked. */
export interface RetrySchedule {
  readonly attempts: number
  readonly initialDelay: number
  readonly maxDelay: number
}

/** Reads the options of `where` over the defaults of checkpoints (6 tries, 1 s to 30 s). Throws UsageError for anything odd. */
export function retrySchedule(
  options: RetryOptions | undefined,
  where: string,
  defaultAttempts = 6,
): RetrySchedule {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new UsageError(`${where}: give an object such as { attempts: 3, initialDelay: 'PT1S' }.`)
  }
  const { attempts = defaultAttempts, initialDelay, maxDelay } = options ?? {}
  refuseUnknown(options ?? {}, ['attempts', 'initialDelay', 'maxDelay'], where)
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw new UsageError(
      `${where}.attempts counts all tries, so it is a whole number from 1, not ${attempts}.`,
    )
  }
  const longest = maxDelay === undefined ? DEFAULT_MAX_DELAY : toMilliseconds(maxDelay, `${where}.maxDelay`)
  const first =
    initialDelay === undefined
      ? Math.min(DEFAULT_INITIAL_DELAY, longest)
      : toMilliseconds(initialDelay, `${where}.initialDelay`)
  if (first > longest) {
    throw new UsageError(
      `${where}: the initialDelay of ${first} ms is above the maxDelay of ${longest} ms; raise maxDelay.`,
    )
  }
  return { attempts, initialDelay: first, maxDelay: longest }
}

/** The wait in ms after `failed` tries (from 1); `random` gives a number from 0 up to 1. */
export function retryDelay(schedule: RetrySchedule, failed: number, random: () => number): number {
  return random() * Math.min(schedule.maxDelay, schedule.initialDelay * 2 ** (failed - 1))
}

const DEFAULT_INITIAL_DELAY = 1000
const DEFAULT_MAX_DELAY = 30_000
