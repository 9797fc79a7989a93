// What of the line of records is stored and when: finishing moves the watermark, the policy is asked, positions go to
// the checkpointer. No position passes a record that is not finished, except by the user's own word.

import { Checkpointer, type CheckpointerPort } from '../checkpoint/checkpointer.ts'
import {
  askPolicy,
  type CheckpointPolicy,
  type CheckpointProgress,
  goesByTime,
} from '../checkpoint/policy.ts'
import { formatPosition, isPosition } from '../checkpoint/position.ts'
import { type Mark, Progress } from '../checkpoint/progress.ts'
import type { RetrySchedule } from '../checkpoint/retry.ts'
import { SHARD_END, type Target } from '../checkpoint/target.ts'
import { type CheckpointError, UsageError } from '../errors.ts'
import { isSequenceNumber, type Position, type Shard, type WireRecord } from '../protocol/messages.ts'
import type { Clock } from '../time.ts'
import { RecordClock } from './record-clock.ts'
import { RecordLine } from './records.ts'

/** What checkpointing asks of its loop. */
export interface CheckpointingPort
  extends Pick<CheckpointerPort, 'allowed' | 'leaseLost' | 'gaveUp' | 'waitersChanged'> {
  readonly clock: Clock
  readonly policy: CheckpointPolicy
  readonly schedule: RetrySchedule
  send(position: Position | null): void
  readonly watcher: CheckpointWatcher
}

/** Who is told what becomes of records and checkpoints. */
export interface CheckpointWatcher {
  finished(number: number, now: number): void
  finishedBefore(from: number, to: number, now: number): void
  /** `position` is null for the end of the shard. */
  sent(position: Position | null, tries: number, explicit: boolean): void
  refused(position: Position | null, exception: string, tries: number): void
  stored(position: Position | null): void
  gaveUp(error: CheckpointError): void
}

/** The line of one shard's records, and the checkpoints on it. */
export class Checkpointing {
  readonly line: RecordLine = new RecordLine()
  readonly checkpointer: Checkpointer
  /** Checkpoints stored, and tries after the first. */
  readonly counts = { checkpoints: 0, retries: 0 }
  /** How far the last read was behind the tip of the shard; null if unknown. */
  millisBehindLatest: number | null = null
  /** When a batch was handed out, a record finished or a position stored, last. */
  progressAt = 0
  /** One past the last record that was handed to the user. */
  handedOut = 0
  readonly #clock: Clock
  readonly #recordClock: RecordClock
  readonly #policy: CheckpointPolicy
  readonly #watcher: CheckpointWatcher
  readonly #progress = new Progress()
  #startedLate = false
  // Where the watermark has to be for the next checkpoint that a handler has asked for.
  #requested = Number.POSITIVE_INFINITY
  // Before this time the policy has nothing to say after a record, nor after a batch if it goes by the time alone.
  #quietUntil = Number.NEGATIVE_INFINITY
  readonly #timed: boolean

  constructor(port: CheckpointingPort) {
    this.#clock = port.clock
    this.#recordClock = new RecordClock(port.clock)
    this.#policy = port.policy
    this.#timed = goesByTime(port.policy)
    this.#watcher = port.watcher
    this.checkpointer = new Checkpointer({
      ...port,
      send: (target, tries, explicit) => {
        const position = positionOf(target)
        port.watcher.sent(position, tries, explicit)
        port.send(position)
      },
      refused: (target, exception, tries) => port.watcher.refused(positionOf(target), exception, tries),
      stored: (target) => this.#stored(target),
      failed: (target, error) => {
        port.watcher.gaveUp(error)
        if (target === SHARD_END) return
        this.#progress.failed(target)
        // What had been asked for counts from its own time again.
        this.#quietUntil = Number.NEGATIVE_INFINITY
      },
      retried: () => {
        this.counts.retries += 1
      },
    })
  }

  /** The last stored position; null before the first. At the end of a shard that is its last record. */
  get checkpointed(): Position | null {
    const { stored, storedShardEnd } = this.checkpointer
    return storedShardEnd ? (this.line.position ?? stored) : stored
  }

  /** How many records lie before the highest stored position. */
  get stored(): number {
    return this.#progress.stored
  }

  /**
   * Whether a crash now may lose what came since the start: as long as nothing is stored, the daemon begins at LATEST
   * again, or at a time, which is that of the launcher's start where `run` was told LATEST.
   */
  get skipsOnCrash(): boolean {
    return this.#startedLate && this.checkpointed === null
  }

  startAt({ sequenceNumber, subSequenceNumber }: Shard): void {
    this.#startedLate = sequenceNumber === 'LATEST' || sequenceNumber === 'AT_TIMESTAMP'
    if (isSequenceNumber(sequenceNumber)) this.checkpointer.startAt({ sequenceNumber, subSequenceNumber })
  }

  /** Takes in what came with the last progress. */
  deliver(records: WireRecord[], millisBehindLatest: number | null): void {
    this.millisBehindLatest = millisBehindLatest
    if (records.length > 0) this.line.deliver(records, millisBehindLatest, this.progressAt)
  }

  /** The user's work goes on. */
  progressed(): void {
    this.progressAt = this.#clock.now()
  }

  /** Gives up what is finished and acknowledged. */
  release(): void {
    this.line.release(this.line.watermark)
  }

  /** Takes a record as finished; asks the policy if the watermark moved. Throws what the policy throws. */
  finish(number: number): void {
    const now = this.#recordClock.now()
    this.progressAt = now
    const moved = this.line.finish(number, now)
    this.#watcher.finished(number, now)
    if (moved && this.#mayStore(now)) this.#ask('record', now)
  }

  /** Asks for a checkpoint when the watermark has passed a record. */
  request(number: number): void {
    this.#requested = Math.min(this.#requested, number + 1)
  }

  /** Takes all records before `end` as finished. */
  finishBefore(end: number): void {
    this.#finishBefore(end, this.#clock.now())
  }

  /** Takes a batch as finished, and asks the policy. Throws what the policy throws. */
  finishBatch(end: number): void {
    const now = this.#clock.now()
    this.progressAt = now
    this.#finishBefore(end, now)
    if (!this.#timed || this.#mayStore(now)) this.#ask('batch', now)
  }

  #finishBefore(end: number, now: number): void {
    const from = this.line.watermark
    this.line.finishBefore(end, now)
    this.#watcher.finishedBefore(from, end, now)
  }

  /** Asks the policy, and stores what is finished in the background if it says so. Throws what the policy throws. */
  ask(after: CheckpointProgress['after']): void {
    this.#ask(after, this.#clock.now())
  }

  /** Stores the last finished position. True where nothing is finished. */
  storeFinished(): Promise<boolean> {
    const { line } = this
    const { position } = line
    return position === null ? Promise.resolve(true) : this.store(line.markAt(line.watermark - 1, position))
  }

  /** Stores a place by the user's word, which finishes what lies before it. */
  store(mark: Mark): Promise<boolean> {
    this.#progress.asked(mark)
    return this.checkpointer.explicit(mark.position)
  }

  /** Stores any position that was handed out. Rejects with UsageError for others. */
  async storeAt(position: Position): Promise<boolean> {
    if (!isPosition(position)) {
      throw new UsageError(
        `session.checkpoint(at): ${position} is no position. Give a record, or its position.`,
      )
    }
    if (this.checkpointer.hasStored(position)) return true
    const mark = this.line.markOf(position)
    if (mark === null || mark.records > this.handedOut) {
      throw new UsageError(
        `session.checkpoint(at): this session has handed out no record at ${formatPosition(position)}. Give one that it has.`,
      )
    }
    return this.store(mark)
  }

  // Whether something may be stored now: the policy is not all that can ask for it. Most policies have nothing to say for
  // a while, and that long they are not asked.
  #mayStore(now: number): boolean {
    if (this.line.watermark >= this.#requested) return true
    if (now < this.#quietUntil) return false
    if (this.skipsOnCrash) return true
    const { perRecord, quietFor = 0 } = this.#policy
    if (perRecord === false) this.#quietUntil = Number.POSITIVE_INFINITY
    else if (quietFor > 0) {
      const since = this.#progress.firstAt(this.line)
      if (since === null) return false
      this.#quietUntil = since + quietFor
    }
    return now >= this.#quietUntil
  }

  #ask(after: CheckpointProgress['after'], now: number): void {
    const { line, checkpointer } = this
    if (checkpointer.rests(now)) return
    const step = { after, endsAggregate: line.endsAggregate, millisBehindLatest: this.millisBehindLatest }
    const progress = this.#progress.since(step, line, now)
    if (progress === null) return
    const wanted = askPolicy(this.#policy, progress) || line.watermark >= this.#requested
    if (!wanted && !this.#secures()) return
    if (line.watermark >= this.#requested) this.#requested = Number.POSITIVE_INFINITY
    this.#progress.asked(line.markAt(line.watermark - 1, progress.position))
    checkpointer.automatic(progress.position)
  }

  // Where the daemon did not begin at TRIM_HORIZON, a crash before the first checkpoint may skip what came. Who stores by hand
  // (atShutdown: false) has records in a buffer of their own, and only their word tells that those are done.
  #secures(): boolean {
    return this.skipsOnCrash && !this.checkpointer.busy && this.#policy.atShutdown !== false
  }

  #stored(target: Target): void {
    this.counts.checkpoints += 1
    this.progressed()
    this.#watcher.stored(positionOf(target))
    const position = target === SHARD_END ? this.line.position : target
    if (position === null) return
    this.line.finishThrough(position, this.#clock.now())
    this.#progress.reached(position)
    this.line.forget(position)
  }
}

function positionOf(target: Target): Position | null {
  return target === SHARD_END ? null : target
}
