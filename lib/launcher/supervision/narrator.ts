// Tells the daemon's log to people: its causes and its news in words, and of the rest what the level asks for.
// Rule: what is told in words, was said a moment ago, or follows from what was told, takes a level more.

import type { Worker } from '../../children/worker.ts'
import type { Clock } from '../../time.ts'
import { type CauseContext, causeOf, keepsTrying } from './causes.ts'
import { KclWords } from './kcl-words.ts'
import type { DaemonEvent } from './marks.ts'
import { lostLeaseOf, type News, NO_LEASES, newsOf, tellForgotten, tellLost, tellStuck } from './news.ts'
import type { Reporter } from './reporter.ts'
import { Troubles } from './troubles.ts'

/** What a narrator needs. */
export interface NarratorOptions {
  readonly context: CauseContext
  readonly reporter: Reporter
  readonly clock: Clock
  readonly worker: Worker
  /** Whether a consumer of the shard is at work. */
  readonly isAtWork: (shardId: string) => boolean
  /** Called when the daemon gives up leading the application. */
  readonly onGivingUp: () => void
}

/** Tells one run of the daemon. */
export class Narrator {
  readonly #options: NarratorOptions
  readonly #troubles = new Troubles()
  readonly #words = new KclWords()
  readonly #lost = new Set<string>()
  readonly #handovers = new Map<string, number>()
  #working = false
  #ending = false

  constructor(options: NarratorOptions) {
    this.#options = options
  }

  /** Whether the daemon has begun to work. */
  get working(): boolean {
    return this.#working
  }

  /** What keeps the daemon from its work, in words. */
  get cause(): string | undefined {
    return this.#troubles.cause(this.#options.clock.now())
  }

  /** What the daemon complained of at last. */
  get complaint(): string | undefined {
    return this.#troubles.why(this.#options.clock.now())
  }

  /** The daemon has begun to work. */
  begin(): void {
    this.#working = true
    this.#options.worker.began()
    this.#troubles.work()
  }

  /** The run is being ended: what the daemon says from now on follows from that. */
  end(): void {
    this.#ending = true
  }

  /** Tells an event; what is `told` by others already takes a level more. */
  follow(event: DaemonEvent, told: boolean): void {
    const { reporter, context, clock } = this.#options
    const now = clock.now()
    if (event.message.startsWith('Initialization complete')) this.begin()
    if (event.message.startsWith('Lease table is still empty')) reporter.tellOnce('info', NO_LEASES)
    this.#lose(lostLeaseOf(event))
    const translated = this.#translate(event, now)
    // What the protocol's events quote is a consumer's word, and no cause of anything.
    const cause = event.logger === PROTOCOL ? undefined : causeOf(event, context)
    const aftermath = this.#ending && AFTERMATH.test(event.logger)
    const repeated = this.#troubles.isRepeated(event, now)
    const news = repeated ? undefined : newsOf(event)
    reporter.event(
      event,
      told || translated || cause !== undefined || news !== undefined || aftermath || repeated,
    )
    if (news !== undefined) this.#tellNews(news, now)
    if (!this.#troubles.hear(event, cause, now) || cause === undefined) return
    if (this.#working) reporter.tell('warn', cause, { event: 'trouble', shardId: null })
    else reporter.tellOnce('error', keepsTrying(cause))
  }

  /** Tells what was collected. */
  tick(): void {
    if (this.#lost.size > 0) this.#tellLost([...this.#lost].sort())
    this.#lost.clear()
    for (const [shardId, since] of this.#handovers) {
      if (!this.#ending && this.#options.isAtWork(shardId)) {
        if (this.#options.clock.now() - since < STUCK) continue
        this.#options.reporter.tell('warn', tellStuck(shardId, STUCK / 1000), { event: 'handover', shardId })
      }
      this.#handovers.delete(shardId)
    }
  }

  #tellLost(shardIds: readonly string[]): void {
    this.#options.reporter.tell('warn', tellLost(shardIds), { event: 'leases-lost', shardIds })
  }

  #tellNews(news: News, now: number): void {
    const { reporter, onGivingUp } = this.#options
    const { importance, text, topic, shardId } = news
    if (topic === 'handover' && shardId !== undefined) this.#handOver(shardId, text, now)
    else reporter.tell(importance, text, shardId === undefined ? undefined : { event: 'shard-end', shardId })
    if (topic === 'leadership') onGivingUp()
  }

  #handOver(shardId: string, text: string, now: number): void {
    const { reporter, worker, isAtWork } = this.#options
    worker.counts.handedOver += 1
    this.#handovers.set(shardId, now)
    if (isAtWork(shardId)) reporter.tell('info', text, { event: 'handover', shardId })
    else reporter.tell('warn', tellForgotten(shardId), { event: 'handover', shardId })
  }

  #translate(event: DaemonEvent, now: number): boolean {
    const { reporter, worker } = this.#options
    const translation = this.#words.translate(event, now)
    if (translation === undefined) return false
    const { importance, words, shardId, counts } = translation
    if (counts !== null) worker.counts[counts] += 1
    if (translation.now) reporter.tell(importance, words, { event: 'trouble', shardId })
    return true
  }

  // The lease of an ended shard is lost in good order, and so is any during a stop.
  #lose(shardId: string | undefined): void {
    if (shardId === undefined || this.#handovers.has(shardId) || this.#ending) return
    if (!this.#options.isAtWork(shardId)) return
    this.#lost.add(shardId)
    this.#options.worker.counts.lost += 1
  }
}

/** The daemon's logger for its side of the protocol. */
export const PROTOCOL = 'MultiLangProtocol'
const AFTERMATH = /^(MultiLang|MessageWriter|CloudWatchPublisher|LineReader)/
// Twice the time that the KCL itself gives a handover by default.
const STUCK = 60_000
