// The door: options, streams, console and signals, and the lifecycle of a session. What a loop does is in loop.ts.
//
// The promise, to which the rest of the package is held: at least once, in order, and never past what is finished.
// - A record is finished when the user's code has moved past it: it asked for the next record or the next batch, or
//   the handler given to forEach resolved.
// - A checkpoint never passes a record that is not finished, except by the user's own word: an explicit checkpoint().
// - A batch is acknowledged only when the next one is asked for. Leaving the loop, by break, return or throw,
//   acknowledges nothing and stores nothing.
// - Losing a lease is ordinary, never fatal. No shard is held silently.

import type { Readable, Writable } from 'node:stream'
import type { SessionHooks } from './actions.ts'
import type { RecordBatch } from './batch.ts'
import { type CheckpointPolicy, checkPolicy, everyInterval } from './checkpoint/policy.ts'
import { type RetryOptions, retrySchedule } from './checkpoint/retry.ts'
import { ChannelClosedError, UsageError } from './errors.ts'
import { type ForEachOptions, forEach, type RecordHandler } from './for-each.ts'
import { type Channel, openChannel } from './io/channel.ts'
import { LineReader } from './io/lines.ts'
import { type Logger, openLogger } from './io/log.ts'
import { guardStdout, type StdoutGuard } from './io/stdout-guard.ts'
import { LineWriter } from './io/writer.ts'
import type { Stats } from './ledger.ts'
import { Loop } from './loop.ts'
import type { Position, Shard } from './protocol/messages.ts'
import { type Clock, type DurationInput, systemClock, toMilliseconds } from './time.ts'
import { Watchdog } from './watchdog.ts'

/** What a session can be told. All of it is optional. */
export interface KclSessionOptions extends SessionHooks {
  /** When finished records are stored by themselves; `everyInterval({ seconds: 60 })` by default. */
  readonly policy?: CheckpointPolicy
  /** How often a checkpoint is tried while the daemon's tables are busy: 6 tries, 1 s to 30 s apart by default. */
  readonly checkpointRetry?: RetryOptions
  /** How long a batch may be left without a loop before the shard is given up; 60 s by default. */
  readonly abandonAfter?: DurationInput
  /** Where events are told; by default tslog on stderr. `false` for nowhere. */
  readonly logger?: Logger | false
  /** Streams to speak on instead of the process's own. Console and signals are not touched then. */
  readonly input?: Readable
  readonly output?: Writable
  /** The clock that policies, retries and `abandonAfter` go by; for tests. */
  readonly clock?: Clock
}

/**
 * One shard's conversation with the daemon. Claims the process's stdin and stdout (or `input` and `output`) at once,
 * and sends what is printed to stderr; reads and says nothing before a loop starts.
 *
 * Throws UsageError for options that are unknown or of the wrong kind, for streams that another session has, and
 * where there is no daemon to speak to.
 */
export class KclSession {
  readonly #loop: Loop
  readonly #log: Logger
  readonly #clock: Clock
  readonly #policy: CheckpointPolicy
  readonly #channel: Channel
  readonly #guard: StdoutGuard | null
  readonly #reader: LineReader
  readonly #writer: LineWriter
  #outputClosed = false
  #closed: Promise<void> | null = null

  constructor(options: KclSessionOptions = {}) {
    checkOptions(options)
    const { policy = everyInterval({ seconds: 60 }), clock = systemClock, input, output } = options
    const schedule = retrySchedule(options.checkpointRetry, `${NEW}: checkpointRetry`)
    const abandonAfter = toMilliseconds(options.abandonAfter ?? { seconds: 60 }, `${NEW}: abandonAfter`)
    this.#clock = clock
    this.#policy = policy
    this.#log = openLogger(options.logger, () => this.shard?.shardId ?? null)
    this.#channel = openChannel({ ...(input && { input }), ...(output && { output }) })
    claim(this.#channel)
    this.#guard = this.#channel.own ? guardStdout() : null
    const watchdog = new Watchdog({
      clock,
      abandonAfter,
      own: this.#channel.own,
      abandon: () => this.#loop.fail(new ChannelClosedError(ABANDONED)),
    })
    this.#loop = new Loop({
      clock,
      policy,
      schedule,
      hooks: options,
      log: this.#log,
      start: () => this.#start(),
      write: (text) => this.#writer.write(text),
      hold: (alive) => (alive ? this.#reader.ref() : this.#reader.unref()),
      left: (action) => {
        watchdog.left(action)
        if (action.forGood) this.#closeOutput()
      },
      entered: () => watchdog.entered(),
      acknowledged: () => watchdog.acknowledged(),
      over: () => this.#over(),
    })
    this.#reader = new LineReader(this.#channel.input, {
      line: (line) => this.#loop.receive(line),
      end: (error) => this.#loop.inputEnded(error),
    })
    this.#writer = new LineWriter(this.#channel.output, (error) => this.#loop.inputEnded(error))
  }

  /** The shard of this process; null before the daemon has named it. */
  get shard(): Shard | null {
    return this.#loop.shard
  }

  /** The last stored position, from the daemon's first word on where it is a number; else null. */
  get checkpointed(): Position | null {
    return this.#loop.ledger.checkpointed
  }

  /** `'ended'` when the daemon or `close()` ended it, `'failed'` after an error that no further loop can mend. */
  get state(): 'open' | 'ended' | 'failed' {
    return this.#loop.state
  }

  /** Aborts, with a KclError as reason, when the lease is lost and when the session fails; not at a quiet end. */
  get signal(): AbortSignal {
    return this.#loop.signal
  }

  /** Figures up to now: a copy. */
  get stats(): Stats {
    return this.#loop.ledger.stats
  }

  /**
   * The batches of the shard. Asking for the next one finishes and acknowledges the one in hand: never put anything
   * around this iterator that reads ahead. It ends when the daemon closes the conversation. After `break` or a throw,
   * call it again for another attempt at the batch that was left.
   *
   * `next()` rejects with UsageError for a second live loop and when the inner loop was left early, with
   * DaemonProtocolError, CheckpointError (at the end of a shard) or ChannelClosedError when the session fails, and
   * with what a hook or a policy threw.
   */
  batches(): AsyncIterableIterator<RecordBatch> {
    return this.#loop.batches()
  }

  /**
   * Hands each record to `handler`, in order, until the daemon closes the conversation. A handler that resolves to
   * `true` asks for a checkpoint at its record. Rejects as `batches()` does, and with the error of a handler that
   * could not be retried; the batch then stays unacknowledged, and calling `forEach` again takes it up.
   */
  forEach(handler: RecordHandler, options?: ForEachOptions): Promise<void> {
    const port = {
      clock: this.#clock,
      log: this.#log,
      batches: () => this.batches(),
      storeAtStop: async () => this.#policy.atShutdown === false || this.#loop.ledger.storeFinished(),
    }
    return forEach(port, handler, options)
  }

  /** Gives streams, console and signals back without a status; a pending `next()` is done. With an action in hand, the output is closed. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start(): void {
    if (this.#channel.own) for (const signal of SIGNALS) process.on(signal, ignore)
    this.#reader.start()
  }

  #over(): void {
    if (this.#channel.own) for (const signal of SIGNALS) process.off(signal, ignore)
    this.#reader.stop()
  }

  #closeOutput(): void {
    this.#outputClosed = true
    this.#channel.closeOutput()
  }

  async #close(): Promise<void> {
    this.#loop.close()
    await this.#writer.flushed()
    this.#writer.stop()
    this.#channel.release()
    claimed.delete(this.#channel.input)
    claimed.delete(this.#channel.output)
    // Nothing that is printed may reach a pipe that was closed on purpose.
    if (!this.#outputClosed) this.#guard?.release()
  }
}

// The daemon asks for shutdown in its own words. A Ctrl-C that reaches the whole process group must not end us
// before that: the last records would go unstored.
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
function ignore(): void {}

const claimed = new WeakSet<object>()

function claim({ input, output }: Channel): void {
  if (claimed.has(input) || claimed.has(output)) {
    throw new UsageError(
      `${NEW}: another session speaks on these streams. One session serves one shard; close() the other first.`,
    )
  }
  claimed.add(input)
  claimed.add(output)
}

function checkOptions(options: KclSessionOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError(`${NEW} takes an object of options, not ${String(options)}.`)
  }
  const stray = Object.keys(options).find((key) => !KNOWN.has(key))
  if (stray !== undefined) {
    throw new UsageError(`${NEW}: ${stray} is not an option. There are ${[...KNOWN].join(', ')}.`)
  }
  for (const hook of HOOKS) {
    if (options[hook] !== undefined && typeof options[hook] !== 'function') {
      throw new UsageError(`${NEW}: ${hook} is not a function.`)
    }
  }
  if (options.policy !== undefined) checkPolicy(options.policy, `${NEW}: policy`)
}

const NEW = 'new KclSession()'
const HOOKS = ['onInitialize', 'onShardEnded', 'onShutdownRequested', 'onLeaseLost'] as const
const KNOWN: ReadonlySet<string> = new Set([
  ...HOOKS,
  'policy',
  'checkpointRetry',
  'abandonAfter',
  'logger',
  'input',
  'output',
  'clock',
])
const ABANDONED =
  'The batch was left, and no loop came back to it within abandonAfter. The pipe to the daemon was closed, so that another worker can take the shard over.'
