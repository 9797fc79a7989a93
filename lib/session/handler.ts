// What handlers are given, and how they are run: the words of forEach.

import type { RetryOptions } from '../checkpoint/retry.ts'
import type { Position } from '../protocol/messages.ts'
import type { KinesisRecord } from '../record.ts'

/** What a handler is given besides its record. */
export interface HandlerContext {
  /** One for each `forEach`: aborts when a handler has failed for good, before the others are awaited; when the lease is lost; and when the session fails. */
  readonly signal: AbortSignal
}

/** What to do about a record whose handler failed: one more try, give the record up, or leave the loop with the error. */
export type ErrorDecision = 'retry' | 'skip' | 'stop'

/** How `forEach` runs its handlers, and how it deals with failures. */
export interface ForEachOptions {
  /** How many handlers may be at work at once; 1 by default. Never more are started. */
  readonly concurrency?: number | undefined
  /**
   * Which records wait for each other: those of one partition key by default, one after the other in their order;
   * none; or those for which a function gives the same key (compared as by a Map). It is asked for all records of a
   * batch once a handler has to wait, and ends the work where it throws.
   */
  readonly ordering?: 'partitionKey' | 'none' | ((record: KinesisRecord) => unknown) | undefined
  /** Tries in all, 1 by default, and the delays between them, which default as those of `checkpointRetry`. */
  readonly retry?: RetryOptions | undefined
  /**
   * Asked when the tries are used up; `attempt` is how many there were. `'retry'` is one more after `maxDelay`;
   * anything else but `'skip'` stops, and so does a throw, with an AggregateError of both.
   */
  readonly onError?: // An async function that returns one text at one place is a Promise<string> to the compiler.
  ((error: unknown, record: KinesisRecord, attempt: number) => ErrorDecision | Promise<string>) | undefined
}

/** The handlers of a forEach that are at work. */
export interface Handlers {
  readonly running: number
  /** The record whose handler was started first; null where none waits for anything. */
  readonly oldest: Position | null
}
