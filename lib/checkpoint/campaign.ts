// One target on its way to the daemon's tables, through as many tries as it takes, and what waits behind it.

import { compareTargets, type Target } from './target.ts'

/** What is being stored. */
export interface Campaign {
  target: Target
  explicit: boolean
  phase: 'held' | 'asked' | 'waiting'
  tries: number
  cancelWait: (() => void) | null
}

/** What is to be stored after it. */
export interface Next {
  readonly target: Target
  readonly explicit: boolean
}

/** One that takes the place of both; the newest target wins. */
export function merge(next: Next | null, target: Target, explicit: boolean): Next {
  if (next === null) return { target, explicit }
  const higher = compareTargets(target, next.target) > 0 ? target : next.target
  return { target: higher, explicit: explicit || next.explicit }
}
