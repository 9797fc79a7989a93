// Clock and durations. The Temporal polyfill costs tens of milliseconds to load, so it is loaded on first use, and not
// at all where the runtime has Temporal.

import type { Temporal } from '@js-temporal/polyfill'
import { UsageError } from './errors.ts'
import { temporal } from './lazy.ts'
import { clearTimeout, now, setTimeout } from './timers.ts'

/** A clock that can be replaced in tests. All times are milliseconds. */
export interface Clock {
  /** Monotonic time. */
  now(): number
  /** Runs `task` once, `delay` ms from now; the returned function cancels it. `unref` lets the process end before that. */
  after(delay: number, task: () => void, options?: { unref?: boolean | undefined }): () => void
}

/** The units of a duration that always have the same length; a day is 24 hours. */
export interface DurationUnits {
  readonly days?: number | undefined
  readonly hours?: number | undefined
  readonly minutes?: number | undefined
  readonly seconds?: number | undefined
  readonly milliseconds?: number | undefined
  readonly microseconds?: number | undefined
  readonly nanoseconds?: number | undefined
}

/** `{ minutes: 1 }`, `'PT1M'`, or a Temporal.Duration, native or the polyfill's. A text is one of ISO 8601. */
export type DurationInput = DurationUnits | `P${string}`

/** The machine's clock. */
export const systemClock: Clock = {
  now,
  after(delay, task, options) {
    const timer = setTimeout(task, Math.min(delay, LONGEST_TIMER))
    if (options?.unref) timer.unref()
    return () => clearTimeout(timer)
  },
}

/** A duration in milliseconds; `where` names the caller in the UsageError that anything else gets. */
export function toMilliseconds(duration: DurationInput | string, where: string): number {
  const units: unknown = typeof duration === 'string' ? parseIso(duration, where) : duration
  if (typeof units !== 'object' || units === null) throw badDuration(duration, where)
  refuseUnknownUnits(units, duration, where)
  let total = 0
  for (const unit of UNIT_NAMES) {
    const amount: unknown = (units as Record<string, unknown>)[unit] ?? 0
    if (typeof amount !== 'number' || !Number.isInteger(amount)) throw badDuration(duration, where)
    total += amount * UNITS[unit]
  }
  if (!(total > 0) || !Number.isFinite(total)) throw badDuration(duration, where)
  return total
}

/** A moment from milliseconds since the epoch. */
export function instant(epochMilliseconds: number): Temporal.Instant {
  return temporal().Instant.fromEpochMilliseconds(epochMilliseconds)
}

function parseIso(text: string, where: string): object {
  // That the polyfill is missing says nothing about the text.
  const { Duration } = temporal()
  try {
    return Duration.from(text)
  } catch (cause) {
    throw badDuration(text, where, cause)
  }
}

// Temporal.Duration has its units on the prototype; a plain object has them as its own keys.
function refuseUnknownUnits(units: object, duration: unknown, where: string): void {
  for (const unit of CALENDAR_UNITS) {
    if ((units as Record<string, unknown>)[unit]) {
      throw new UsageError(
        `${where}: ${unit} have no fixed length; use days, hours, minutes, seconds or milliseconds.`,
      )
    }
  }
  const plain = Object.getPrototypeOf(units) === Object.prototype || Object.getPrototypeOf(units) === null
  const unknown = plain ? Object.keys(units).find(isUnknown) : undefined
  if (unknown !== undefined || Array.isArray(units)) throw badDuration(duration, where)
}

function isUnknown(unit: string): boolean {
  return !Object.hasOwn(UNITS, unit) && !CALENDAR_UNITS.includes(unit)
}

function badDuration(duration: unknown, where: string, cause?: unknown): UsageError {
  return new UsageError(
    `${where}: ${show(duration)} is not a duration. Give one longer than zero, such as { minutes: 1 }, { milliseconds: 500 } or 'PT1M'.`,
    cause === undefined ? undefined : { cause },
  )
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return String(value)
  }
}

const UNITS = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
  microseconds: 1e-3,
  nanoseconds: 1e-6,
}
const UNIT_NAMES = Object.keys(UNITS) as (keyof typeof UNITS)[]
const CALENDAR_UNITS = ['years', 'months', 'weeks']
// setTimeout takes 31 bits; a longer delay would fire at once.
const LONGEST_TIMER = 2 ** 31 - 1
