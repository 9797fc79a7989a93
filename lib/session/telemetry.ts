// What happens in a session, told once by the loop and its parts, and from here to those who keep figures, listen on the
// channels, or should know at once because user code may have the thread next.

import { formatPosition } from '../checkpoint/position.ts'
import { ChannelClosedError, type CheckpointError, type KclError } from '../errors.ts'
import type { Logger } from '../io/logger.ts'
import type { Message, Position } from '../protocol/messages.ts'
import type { KinesisRecord } from '../record.ts'
import type { ShardEvent } from '../report/channels.ts'
import type { Clock } from '../time.ts'
import type { CheckpointWatcher } from './checkpointing.ts'
import { Figures, type FiguresSource } from './figures.ts'
import { type Traced, type TracedBatch, Tracing } from './tracing.ts'

/** Whom the telemetry is about, and who wants to know. */
export interface TelemetryPort extends Traced, FiguresSource {
  readonly log: Logger
  readonly clock: Clock
  /** Something happened that whoever watches should know at once. */
  changed(): void
}

/** The ears of one session. */
export class Telemetry implements CheckpointWatcher {
  readonly figures: Figures
  readonly #tracing: Tracing
  readonly #port: TelemetryPort

  constructor(port: TelemetryPort) {
    this.#port = port
    this.figures = new Figures(port.clock, port)
    this.#tracing = new Tracing(port)
  }

  /** An action of the daemon. */
  took(message: Message): void {
    const records = message.action === 'processRecords' ? message.records.length : 0
    this.figures.took(message.action, records)
    const event = SHARD_EVENTS[message.action]
    if (event !== undefined) {
      this.#tracing.event(event.name)
      if (event.text !== null) this.#port.log.info(event.text)
    }
    // A batch is told of when it is handed out, which is right after this; an empty one is nobody's work.
    if (message.action !== 'processRecords') this.#port.changed()
  }

  /** The action in hand is answered. */
  acknowledged(message: Message | null): void {
    // Only now: the first event loads the logger, which the daemon need not wait for.
    if (message?.action === 'initialize') this.#port.log.info('The shard begins', message.shard)
    this.figures.acknowledged(message?.action === 'processRecords' && message.records.length > 0)
  }

  handedOut(batch: TracedBatch): void {
    if (batch.attempt > 1) this.figures.retried += 1
    this.#tracing.batchStarts(batch, this.#port.counts.skipped)
    this.#port.changed()
  }

  batchFinished(): void {
    this.#tracing.batchEnds(this.#port.counts.skipped)
  }

  batchLeft(why: unknown): void {
    this.#tracing.batchLeft(why)
  }

  /** Whether tries of handlers are to be told of: a closure for each would be felt. */
  get tracesRecords(): boolean {
    return this.#tracing.ofRecords
  }

  /** One try of a handler. */
  record<T>(record: KinesisRecord, attempt: number, work: () => T | Promise<T>): T | Promise<T> {
    return this.#tracing.record(record, attempt, work)
  }

  finished(number: number, now: number): void {
    this.figures.finished(number, now)
  }

  finishedBefore(from: number, to: number, now: number): void {
    this.figures.finishedBefore(from, to, now)
  }

  sent(position: Position | null, tries: number, explicit: boolean): void {
    if (tries === 1) this.figures.asked()
    else this.#port.log.info('Trying a refused checkpoint again', { position, tries })
    this.#tracing.checkpointSent(position, explicit, tries)
  }

  refused(position: Position | null, exception: string, tries: number): void {
    this.figures.refused(exception, position === null ? 'the end of the shard' : formatPosition(position))
    this.#tracing.refused(position, exception, tries)
    this.#port.log.info('The daemon refused a checkpoint', { position, exception, tries })
    this.#port.changed()
  }

  stored(position: Position | null): void {
    this.figures.stored()
    this.#tracing.checkpointEnds()
    this.#port.log.info(position === null ? 'Stored the end of the shard' : 'Stored a position', { position })
  }

  gaveUp(error: CheckpointError): void {
    this.#tracing.checkpointEnds(error)
  }

  leaseLost(reason: KclError): void {
    this.#tracing.event('leaseLost')
    this.#port.log.info('The lease is lost', { reason: reason.message })
    this.#tracing.checkpointEnds(reason)
  }

  failed(error: unknown): void {
    this.figures.failed(error)
    this.#tracing.batchLeft(error)
    this.#tracing.event('failed', error)
    this.#over()
  }

  ended(): void {
    this.#tracing.event('ended')
    this.#over()
  }

  #over(): void {
    this.#tracing.checkpointEnds(
      new ChannelClosedError('The session ended before the checkpoint was answered.'),
    )
  }
}

const SHARD_EVENTS: Readonly<Record<string, { name: ShardEvent['event']; text: string | null } | undefined>> =
  {
    initialize: { name: 'initialized', text: null },
    shutdownRequested: { name: 'shutdownRequested', text: 'The daemon asks for shutdown' },
    shardEnded: { name: 'shardEnded', text: 'The shard has ended' },
  }
