// What a session can be told, and the check of it.

import type { Readable, Writable } from 'node:stream'
import { type CheckpointPolicy, checkPolicy } from '../checkpoint/policy.ts'
import type { RetryOptions } from '../checkpoint/retry.ts'
import { UsageError } from '../errors.ts'
import type { Logger } from '../io/logger.ts'
import { refuseUnknown } from '../nearest.ts'
import type { Clock, DurationInput } from '../time.ts'
import type { SessionHooks } from './hooks.ts'

/** What a session can be told. All of it is optional. */
export interface KclSessionOptions extends SessionHooks {
  /** When finished records are stored by themselves; `everyInterval({ seconds: 60 })` by default. */
  readonly policy?: CheckpointPolicy | undefined
  /** How often a checkpoint is tried while the daemon's tables are busy: 6 tries, 1 s to 30 s apart by default. */
  readonly checkpointRetry?: RetryOptions | undefined
  /** After how long without progress a batch or record in hand is told of, and then at each doubling; 60 s by default. It never kills. */
  readonly warnAfter?: DurationInput | undefined
  /** How long a batch may be left without a loop before the shard is given up; 60 s by default. */
  readonly abandonAfter?: DurationInput | undefined
  /** Where events are told; by default tslog on stderr. `false` for nowhere. */
  readonly logger?: Logger | false | undefined
  /** Streams to speak on instead of the process's own. Console and signals are not touched then. */
  readonly input?: Readable | undefined
  readonly output?: Writable | undefined
  /** The clock that policies, retries and `abandonAfter` go by; for tests. */
  readonly clock?: Clock | undefined
}

/** Throws UsageError for options that are unknown or of the wrong kind. */
export function checkOptions(options: KclSessionOptions, where: string = NEW): void {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`${where} takes an object of options, not ${String(options)}.`)
  }
  refuseUnknown(options, SESSION_OPTIONS, where)
  for (const hook of HOOKS) {
    if (options[hook] !== undefined && typeof options[hook] !== 'function') {
      throw new UsageError(`${where}: ${hook} is not a function.`)
    }
  }
  if (options.policy !== undefined) checkPolicy(options.policy, `${where}: policy`)
}

/** The caller that errors name. */
export const NEW = 'new KclSession()'

const HOOKS = ['onInitialize', 'onShardEnded', 'onShutdownRequested', 'onLeaseLost'] as const
/** The names of all options. */
export const SESSION_OPTIONS: readonly string[] = [
  ...HOOKS,
  'policy',
  'checkpointRetry',
  'warnAfter',
  'abandonAfter',
  'logger',
  'input',
  'output',
  'clock',
]
