// What is to be stored: a position, or the end of the shard; their order, and the error for one that was refused for good.

import { CheckpointError } from '../errors.ts'
import type { Position } from '../protocol/messages.ts'
import { comparePositions, formatPosition } from './position.ts'
import { explainRefusal, refusalOf } from './refusal.ts'

/** A position, or the end of the shard: the only checkpoint without a sequence number, and behind every position. */
export type Target = Position | typeof SHARD_END
export const SHARD_END = 'the end of the shard'

/** Negative when `a` lies before `b`, 0 when they are the same, positive when it lies behind. */
export function compareTargets(a: Target, b: Target): number {
  if (a === SHARD_END || b === SHARD_END) return Number(a === SHARD_END) - Number(b === SHARD_END)
  return comparePositions(a, b)
}

/** What a refusal for good comes to. */
export function refusal(target: Target, tries: number, exception: string): CheckpointError {
  const retryable = refusalOf(exception) === 'try again'
  const where = target === SHARD_END ? target : `position ${formatPosition(target)}`
  const after = retryable ? `after ${tries} ${tries === 1 ? 'try' : 'tries'}: ` : ''
  const advice = `${after}${explainRefusal(exception)}`
  return new CheckpointError(`The daemon refused the checkpoint at ${where} with ${exception}: ${advice}.`, {
    exception,
    retryable,
    position: target === SHARD_END ? null : target,
  })
}
