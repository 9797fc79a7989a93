// The door: options, streams, console and signals, and the lifecycle of a session. What a loop does is in loop.ts.
//
// The promise, to which the rest of the package is held: at least once, in order, and never past what is finished.
// - A record is finished when the user's code has moved past it: it asked for the next record or the next batch, or
//   the handler given to forEach resolved.
// - A checkpoint never passes a record that is not finished, except by the user's own word: an explicit checkpoint().
// - A delivery of the daemon is acknowledged only when the next batch is asked for, or with batches of one's own size
//   when more records are wanted. Leaving the loop, by break, return or throw, acknowledges nothing and stores nothing.
// - Losing a lease is ordinary, never fatal. No shard is held silently.

import { type InspectOptions, inspect } from 'node:util'
import { everyMilliseconds } from '../checkpoint/policy.ts'
import { retrySchedule } from '../checkpoint/retry.ts'
import { ChannelClosedError } from '../errors.ts'
import { type Channel, openChannel } from '../io/channel.ts'
import { hostOf } from '../io/hosted.ts'
import { LineReader } from '../io/lines.ts'
import { isHeard, openLogger } from '../io/log.ts'
import type { Logger } from '../io/logger.ts'
import { readLine } from '../io/payloads.ts'
import { guardStdout } from '../io/stdout-guard.ts'
import { LineWriter } from '../io/writer.ts'
import type { Position, Shard } from '../protocol/messages.ts'
import { type Reporting, reportTo } from '../report/reporter.ts'
import { type DurationInput, systemClock, toMilliseconds } from '../time.ts'
import { Abandonment } from './abandonment.ts'
import type { RecordBatch, RecordHandler } from './batch.ts'
import { type BatchOptions, readSizes } from './batch-iterator.ts'
import { Loop } from './loop.ts'
import { checkOptions, type KclSessionOptions, NEW } from './options.ts'
import type { Stats } from './stats.ts'
import type { SessionForEachOptions } from './work.ts'

/**
 * One shard's conversation with the daemon. Claims the process's stdin and stdout (or `input` and `output`) at once,
 * and sends what is printed to stderr; reads and says nothing before a loop starts.
 *
 * Throws UsageError for options that are unknown or of the wrong kind, for streams that another session has, and
 * where there is no daemon to speak to.
 *
 * @example
 * const session = new KclSession({ policy: anyOf(everyInterval({ minutes: 1 }), everyRecords(1000)) })
 */
export class KclSession {
  readonly #loop: Loop
  readonly #log: Logger
  readonly #channel: Channel
  readonly #reader: LineReader
  readonly #writer: LineWriter
  #reporting: Reporting | undefined
  #closed: Promise<void> | null = null

  constructor(options: KclSessionOptions = {}) {
    checkOptions(options)
    const { policy = everyMilliseconds(MINUTE), clock = systemClock, input, output } = options
    const schedule = retrySchedule(options.checkpointRetry, `${NEW}: checkpointRetry`)
    const abandonAfter = readTime(options.abandonAfter, 'abandonAfter')
    const warnAfter = readTime(options.warnAfter, 'warnAfter')
    this.#log = openLogger(options.logger, () => this.shard?.shardId ?? null)
    const debugs = isHeard(this.#log, 'debug')
    this.#channel = openChannel({ ...(input && { input }), ...(output && { output }) })
    const { own } = this.#channel
    // Never taken off again: stdout stays the protocol's, and nothing that is printed may end up in it.
    if (own) guardStdout()
    const abandonment = new Abandonment({
      clock,
      abandonAfter,
      own,
      leaves: () => this.#loop.leaves(),
      abandon: () => this.#loop.fail(new ChannelClosedError(ABANDONED)),
      closeOutput: () => this.#channel.closeOutput(),
    })
    const wire = {
      start: () => this.#start(),
      write: (text: string, written?: () => void) => {
        if (debugs) this.#log.debug('Says', { line: text.trim() })
        this.#writer.write(text, written)
      },
      hold: (alive: boolean) => (alive ? this.#reader.ref() : this.#reader.unref()),
      acknowledged: hostOf(this.#channel.input),
      over: () => this.#over(),
    }
    this.#loop = new Loop(
      {
        clock,
        policy,
        schedule,
        warnAfter,
        hooks: options,
        log: this.#log,
        session: this,
        changed: () => this.#reporting?.changed(),
      },
      wire,
      abandonment,
    )
    this.#reader = new LineReader(this.#channel.input, {
      line: (bytes, from, to) => {
        if (debugs) {
          this.#log.debug('Hears', { line: bytes.toString('utf8', from, Math.min(to, from + LONGEST_TOLD)) })
        }
        this.#loop.receive(readLine(bytes, from, to))
      },
      end: (error) => this.#loop.inputEnded(error),
    })
    this.#writer = new LineWriter(this.#channel.output, (error, unwritten) =>
      unwritten ? this.#loop.outputFailed(error) : this.#loop.inputEnded(error),
    )
  }

  /** The shard of this process; null before the daemon has named it. */
  get shard(): Shard | null {
    return this.#loop.shard
  }

  /** The last stored position, as the daemon tells it at the start, too; at the end of the shard that of its last record. */
  get checkpointed(): Position | null {
    return this.#loop.checkpointing.checkpointed
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
    const { checkpointing, counts, telemetry } = this.#loop
    const { figures } = telemetry
    const { line, millisBehindLatest } = checkpointing
    return {
      ...counts,
      ...checkpointing.counts,
      records: line.watermark,
      bytes: line.bytes,
      refusals: Object.values(figures.refusals).reduce((sum, count) => sum + count, 0),
      unstored: figures.unstored,
      lag: figures.lag,
      checkpointLag: figures.checkpointLag,
      millisBehindLatest,
    }
  }

  /**
   * The batches of the shard: as the daemon delivers them, or with `maxRecords`, `maxBytes` or `maxWait` of one's own
   * size. Asking for the next one finishes and acknowledges the one in hand: never put anything around this iterator
   * that reads ahead. It ends when the daemon closes the conversation. After `break` or a throw, call it again for
   * another attempt at the batch that was left.
   *
   * `next()` rejects with UsageError for a second live loop, and when the batch in hand was left early or was not
   * touched at all; with DaemonProtocolError, CheckpointError (at the end of a shard) or ChannelClosedError when the
   * session fails; and with what a hook or a policy threw. Odd options: UsageError.
   *
   * @example
   * for await (const batch of session.batches({ maxRecords: 500, maxWait: 'PT10S' })) await work(batch)
   */
  batches(options?: BatchOptions): AsyncIterableIterator<RecordBatch> {
    return this.#loop.batches(readSizes(options, 'session.batches()'))
  }

  /**
   * Hands each record to `handler`, in order, until the daemon closes the conversation. A handler that resolves to
   * `true` asks for a checkpoint at its record. Rejects as `batches()` does, and with the error of a handler that
   * could not be retried; the batch then stays unacknowledged, and calling `forEach` again takes it up.
   *
   * @example
   * await session.forEach((record) => store(record.json()), { concurrency: 16, retry: { attempts: 3 } })
   */
  forEach(handler: RecordHandler, options: SessionForEachOptions = {}): Promise<void> {
    return this.#loop.forEach(handler, options)
  }

  /**
   * Stores any position that this session has handed out, for those who buffer across batches; everything up to it
   * counts as finished. Without an argument: the last finished one. Answers and rejects as `batch.checkpoint()` does;
   * one asked for between two actions of the daemon goes out with the next.
   *
   * @example
   * const stored = await session.checkpoint(record)
   */
  checkpoint(at?: Position): Promise<boolean> {
    const { checkpointing } = this.#loop
    return at === undefined ? checkpointing.storeFinished() : checkpointing.storeAt(at)
  }

  /**
   * Ends the session without a status, and abandons what is in hand; a pending `next()` is done. Streams of one's own
   * are given back. The process's own output is closed for good, so that the daemon does not wait for a word that
   * nobody will say, and what is printed goes to stderr still.
   *
   * @example
   * await session.close()
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** @internal What `console.log` shows. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const { state, shard, checkpointed, stats } = this
    return `KclSession ${inspect({ state, shardId: shard?.shardId ?? null, checkpointed, stats }, options)}`
  }

  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start(): void {
    if (this.#channel.own) for (const signal of SIGNALS) process.on(signal, ignore)
    this.#report()
    this.#reader.start()
  }

  // Connected before the first line is read, so that what blocks the event loop is known by its action.
  #report(): void {
    if (!this.#channel.own && hostOf(this.#channel.input) === undefined) return
    const { figures } = this.#loop.telemetry
    this.#reporting = reportTo(process.env, () => figures.snapshot)
    figures.wantsLatency = this.#reporting !== undefined
  }

  #over(): void {
    if (this.#channel.own) for (const signal of SIGNALS) process.off(signal, ignore)
    this.#reader.stop()
    this.#channel.rest()
    this.#reporting?.end()
  }

  async #close(): Promise<void> {
    this.#loop.close()
    await this.#writer.flushed()
    this.#writer.stop()
    if (this.#channel.own) this.#channel.closeOutput()
    this.#channel.release()
  }
}

// Most sessions give none, and reading a duration would be felt at their start.
function readTime(time: DurationInput | undefined, option: string): number {
  return time === undefined ? MINUTE : toMilliseconds(time, `${NEW}: ${option}`)
}

// The daemon asks for shutdown in its own words. A Ctrl-C that reaches the whole process group must not end us
// before that: the last records would go unstored.
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
function ignore(): void {}

const ABANDONED =
  'The batch was left, and no loop came back to it within abandonAfter. The pipe to the daemon was closed, so that another worker can take the shard over.'
// What a session does without the user's word, in milliseconds.
const MINUTE = 60_000
// Bytes of a line that the log tells, of megabytes perhaps.
const LONGEST_TOLD = 1000
