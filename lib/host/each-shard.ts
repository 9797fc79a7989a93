// One handler for each shard of a worker, all in this process where it was started with `--shared`, and the one shard of
// this process where it was not: the same program. A handler plays the part of a process: while it runs its shard is
// served, when it fails its shard is given up, and the others go on until their daemon ends them.

import { retryDelay } from '../checkpoint/retry.ts'
import { LeaseLostError, UsageError } from '../errors.ts'
import { hostStream } from '../io/hosted.ts'
import { notice } from '../io/stderr.ts'
import { refuseUnknown } from '../nearest.ts'
import { checkOptions, type KclSessionOptions, SESSION_OPTIONS } from '../session/options.ts'
import { KclSession } from '../session/session.ts'
import { clearTimeout, setTimeout } from '../timers.ts'
import { Budget } from './budget.ts'
import { inShard, showError } from './context.ts'
import { processHost } from './process-host.ts'
import type { ShardHost, ShardLine } from './shard-line.ts'

/** Consumes one shard, over the session's loops; what it returns is awaited. */
export type ShardHandler = (session: KclSession) => unknown

/** What to do about a handler that failed. */
export type ShardDecision = 'retry' | 'stop'

/** What eachShard can be told: what a session can, but for its streams, and what follows. */
export interface EachShardOptions extends Omit<KclSessionOptions, 'input' | 'output'> {
  /**
   * Asked when a handler failed while its session is open; `attempt` counts its failures from 1, anew after each record
   * that was finished. After `'retry'` it is called again with the same session, whose batch in hand comes again, a
   * moment later that grows to 5 s; after `'stop'`, the default, the shard is
   * given up, and with it the worker, once its other shards are drained.
   */
  readonly onError?:
    | ((error: unknown, session: KclSession, attempt: number) => ShardDecision | Promise<ShardDecision>)
    | undefined
  /**
   * Bytes of messages that are read of all shards at once and not acknowledged, by default 256 MiB; what is more waits
   * in its pipe. A batch that has been begun is read to its end, so that it may be one batch more.
   */
  readonly maxBytesInHand?: number | undefined
  /** Where shards come from instead of the process's own host: a TestWorker. */
  readonly host?: ShardHost | undefined
}

/** Resolves when no shard is left and none will come. */
export type EachShard = Promise<void> & {
  /** The sessions at work now. */
  readonly sessions: ReadonlySet<KclSession>
}

/**
 * Calls `handler` with a session for each shard that this worker is given. Under `kcl-session run --shared` and
 * `dev --shared` that is every shard of the worker, side by side in this process; otherwise the one shard of the process.
 *
 * Resolves when no shard is left and none will come. Rejects with what a handler threw and `onError` did not take back,
 * once the others are done (AggregateError for several), and with UsageError for odd options and for a handler that
 * returned before its shard was over. A handler that fails because its lease was lost is told of, and no more.
 *
 * @example
 * import { eachShard } from 'kcl-session'
 *
 * await eachShard(async (session) => {
 *   for await (const batch of session.batches()) {
 *     for await (const record of batch) await store(record.json())
 *   }
 * })
 */
export function eachShard(handler: ShardHandler, options: EachShardOptions = {}): EachShard {
  const sessions = new Set<KclSession>()
  return Object.assign(serve(handler, options, sessions), { sessions })
}

async function serve(
  handler: ShardHandler,
  options: EachShardOptions,
  sessions: Set<KclSession>,
): Promise<void> {
  if (typeof handler !== 'function') throw new UsageError('eachShard(): give a function of a session.')
  const { onError, maxBytesInHand = DEFAULT_BYTES, host, ...own } = read(options)
  const consumer: Consumer = { handler, onError, sessions }
  const source = host ?? processHost()
  if (source === null) {
    await consume(new KclSession(own), consumer)
    return
  }
  const budget = new Budget(maxBytesInHand)
  const failures: unknown[] = []
  const working = new Set<Promise<void>>()
  for await (const line of source.shards) {
    const work = serveLine(line, own, consumer, budget)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => working.delete(work))
    working.add(work)
  }
  // Those at work end with their input.
  await Promise.all(working)
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1)
    throw new AggregateError(failures, `The handlers of ${failures.length} shards failed.`)
}

interface Consumer {
  readonly handler: ShardHandler
  readonly onError: EachShardOptions['onError']
  readonly sessions: Set<KclSession>
}

async function serveLine(
  line: ShardLine,
  options: KclSessionOptions,
  consumer: Consumer,
  budget: Budget,
): Promise<void> {
  await inShard(line.shardId, async () => {
    const share = budget.open(line.input)
    hostStream(line.input, () => share.acknowledged())
    let failure: { readonly error: unknown } | undefined
    try {
      const { input, output, clock } = line
      const session = new KclSession({ ...options, ...(clock && { clock }), input, output })
      await consume(session, consumer)
    } catch (error) {
      failure = { error }
      throw error
    } finally {
      share.close()
      line.settled(failure)
    }
  })
}

async function consume(session: KclSession, { handler, onError, sessions }: Consumer): Promise<void> {
  sessions.add(session)
  try {
    let finished = 0
    for (let attempt = 1; ; attempt += 1) {
      try {
        await handler(session)
        if (session.state === 'open') throw new UsageError(early(session))
        return
      } catch (error) {
        // Work that was broken off because the shard is another worker's is no failure.
        if (session.signal.reason instanceof LeaseLostError) {
          notice(
            `kcl-session: ${session.shard?.shardId}: the handler ended by an error once its lease was lost: ${showError(error)}`,
          )
          return
        }
        const { records } = session.stats
        if (records > finished) attempt = 1
        finished = records
        if (session.state !== 'open' || onError === undefined) throw error
        if ((await decide(onError, error, session, attempt)) !== 'retry') throw error
        await pause(session, retryDelay(RETRY, attempt, Math.random))
      }
    }
  } finally {
    sessions.delete(session)
    await session.close()
  }
}

async function decide(
  onError: NonNullable<EachShardOptions['onError']>,
  error: unknown,
  session: KclSession,
  attempt: number,
): Promise<ShardDecision> {
  try {
    return await onError(error, session, attempt)
  } catch (other) {
    throw new AggregateError([error, other], 'The handler of a shard failed, and so did onError.')
  }
}

// Whatever clock the sessions go by; and where the lease is lost there is nothing to wait for.
function pause({ signal }: KclSession, delay: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, delay)
    signal.addEventListener('abort', done)
  })
}

function early(session: KclSession): string {
  return `eachShard(): the handler returned before ${session.shard?.shardId ?? 'its shard'} was over. Loop over session.batches(), or await session.forEach(), to their end; is an await missing?`
}

function read(options: EachShardOptions): EachShardOptions {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`eachShard() takes a function and an object of options, not ${String(options)}.`)
  }
  refuseUnknown(options, [...OWN, ...SESSION_OPTIONS.filter((name) => !STREAMS.includes(name))], WHERE)
  const { onError, maxBytesInHand, host, ...own } = options
  checkOptions(own, WHERE)
  if (onError !== undefined && typeof onError !== 'function') {
    throw new UsageError(`${WHERE}: onError is not a function.`)
  }
  if (maxBytesInHand !== undefined && !(Number.isSafeInteger(maxBytesInHand) && maxBytesInHand >= 1)) {
    throw new UsageError(`${WHERE}: maxBytesInHand is a whole number from 1, not ${String(maxBytesInHand)}.`)
  }
  if (host !== undefined && typeof host?.shards?.[Symbol.asyncIterator] !== 'function') {
    throw new UsageError(`${WHERE}: host is not a TestWorker.`)
  }
  return options
}

const RETRY = { attempts: Number.POSITIVE_INFINITY, initialDelay: 100, maxDelay: 5000 }
const WHERE = 'eachShard()'
const OWN = ['onError', 'maxBytesInHand', 'host']
const STREAMS = ['input', 'output']
const DEFAULT_BYTES = 256 * 1024 * 1024
