// One run of the daemon, from its start to its end: follows its log, keeps the list of consumers, notices those
// that die while the daemon does not, stops it in time, and says in words why it ended.
// Rule: whatever happens, nothing of the group outlives `run()`.

import type { Worker } from '../../children/worker.ts'
import type { Clock } from '../../time.ts'
import { clearInterval, setInterval, setTimeout } from '../../timers.ts'
import { isAlive } from '../machine/processes.ts'
import { type CauseContext, causeInTrace } from './causes.ts'
import { deathIn, exitValueIn } from './deaths.ts'
import { Ending } from './ending.ts'
import { Idleness } from './idleness.ts'
import { Jvm, type JvmExit, type JvmOptions } from './jvm.ts'
import { Death, howDaemonEnded } from './last-words.ts'
import { type DaemonEvent, LogReader } from './marks.ts'
import { Narrator } from './narrator.ts'
import { tellIdle } from './news.ts'
import type { Reporter } from './reporter.ts'
import { Roster, type RosterEntry } from './roster.ts'
import type { SharedHost } from './shared-host.ts'

/** What a run needs. Times are milliseconds. */
export interface SupervisionOptions extends JvmOptions {
  /** The process that serves all shards, where one does. */
  readonly host?: SharedHost | undefined
  readonly context: CauseContext
  /** Called when the daemon gives up leading the application. */
  readonly onGivingUp: () => void
  readonly reporter: Reporter
  readonly clock: Clock
  /** Is told what is seen of the consumers and of the daemon. */
  readonly worker: Worker
  /** Whether a shard that is stuck ends the run. */
  readonly exitOnStuck: boolean
  /** How long a stop may take before everything is killed. */
  readonly stopTimeout: number
  /** How long the daemon may go on failing before it has begun to work. */
  readonly startTimeout: number
}

/** How a run ended. */
export type Outcome =
  /** It was asked to stop; `clean` says that every consumer was done in time. */
  | { readonly kind: 'stopped'; readonly clean: boolean }
  /** It failed; the reason has been printed. */
  | { readonly kind: 'failed' }

/** A run of the daemon. */
export class Supervision {
  readonly #options: SupervisionOptions
  readonly #roster = new Roster()
  readonly #log: LogReader
  readonly #narrator: Narrator
  readonly #jvm: Jvm
  readonly #startedAt: number
  readonly #idleness: Idleness
  #ending: Ending | null = null
  #clean = true
  #isDaemonGone = false
  #otherLines: string[] = []

  /** Starts the daemon at once. */
  constructor(options: SupervisionOptions) {
    this.#options = options
    this.#startedAt = options.clock.now()
    this.#idleness = new Idleness(Math.min(options.startTimeout, MOST_IDLE), this.#startedAt)
    this.#log = new LogReader(options.start.marks)
    this.#narrator = new Narrator({
      ...options,
      isAtWork: (shardId) => this.#roster.present.some((entry) => entry.shardId === shardId),
    })
    this.#jvm = new Jvm(options, (line) => this.#read(line))
    options.host?.follow(this.#roster, (reason) => this.#hostEnded(reason))
  }

  /** Follows the daemon to its end. */
  async run(): Promise<Outcome> {
    const ticker = setInterval(() => this.#tick(), TICK)
    try {
      const exit = await this.#jvm.exited
      this.#isDaemonGone = true
      // Consumers that were left behind end with the group; the watcher is sent home by closed().
      if (this.#roster.present.some(({ pid }) => isAlive(pid))) await this.#waitForOrphans()
      this.#jvm.killGroup()
      await this.#jvm.closed()
      await this.#finishHost()
      return this.#outcome(exit)
    } finally {
      this.#options.host?.kill()
      clearInterval(ticker)
    }
  }

  /** Stops in good order: the consumers finish what they have in hand, checkpoint and end. */
  stop(): void {
    if (this.#ending !== null) return
    this.#options.worker.phase = 'draining'
    this.#end('stopping', undefined, DRAIN_LINGER, this.#roster.present)
    this.#jvm.signal('SIGTERM')
  }

  /** Ends everything at once. */
  kill(): void {
    this.#clean = false
    this.#options.host?.kill()
    this.#jvm.killGroup()
  }

  /** Has Java print its threads. */
  dumpThreads(): void {
    this.#jvm.signal('SIGQUIT')
  }

  // While nobody takes our own lines, the daemon's and the consumers' have to wait.
  #read(line: string): Promise<void> | undefined {
    this.#take(line)
    return this.#options.reporter.ready
  }

  #take(line: string): void {
    const read = this.#log.read(line)
    if (read === undefined) return
    if (read.kind === 'daemon') this.#options.worker.daemonSpoke()
    if (read.kind === 'daemon') this.#follow(read.event)
    else if (read.kind === 'arrival') this.#welcome(read.shardId, read.pid)
    else if (read.kind === 'consumer') {
      this.#roster.hear(read.shardId, read.text)
      this.#options.worker.heard(read.shardId, read.text)
      this.#options.reporter.consumerLine(read.text, read.shardId)
    } else {
      if (this.#otherLines.length < KEPT_LINES && read.text.trim() !== '') this.#otherLines.push(read.text)
      this.#options.reporter.otherLine(read.text)
    }
  }

  #welcome(shardId: string, pid: number): void {
    const { reporter, clock } = this.#options
    this.#narrator.begin()
    this.#roster.arrive(pid, shardId)
    this.#options.worker.announced(shardId, pid, this.#options.host !== undefined)
    // While it stops, the daemon takes shards up again that it has drained: nobody works on those any more.
    if (this.#ending === null) this.#options.host?.serve(shardId, pid)
    const seconds = ((clock.now() - this.#startedAt) / 1000).toFixed(1)
    const after = this.#roster.started === 1 ? `, ${seconds} s after the start` : ''
    reporter.tell('info', `${shardId}: consumer ${pid} started${after}`, { event: 'started', shardId, pid })
  }

  // Every child of the daemon ends with it: there is nothing left to drain.
  #hostEnded(reason: string): void {
    // It is asked to end once the daemon has gone.
    if (this.#ending !== null || this.#isDaemonGone) return
    this.#fail(reason, 0)
    this.#jvm.signal('SIGTERM')
  }

  // What handlers do behind their loops, closing a pool for instance, has the rest of the time to stop.
  async #finishHost(): Promise<void> {
    const { host, clock, stopTimeout } = this.#options
    if (host === undefined) return
    const left = this.#ending?.isStop ? this.#ending.since + stopTimeout - clock.now() : ORPHAN_TIME
    if (!(await host.finish(Math.max(0, Math.min(left, stopTimeout))))) this.#clean = false
  }

  #follow(event: DaemonEvent): void {
    const value = exitValueIn(event)
    if (value !== undefined) {
      this.#roster.seeOut()
      this.#options.worker.counts[howOf(value)] += 1
      this.#death?.seeOut(value, event.thread)
    }
    const found = deathIn(event, this.#roster, this.#options.reporter, this.#options.start.protocol)
    this.#narrator.follow(event, found !== undefined)
    if (found !== undefined) this.#mourn(found.death, found.named)
  }

  get #death(): Death | undefined {
    return this.#ending?.death
  }

  #tick(): void {
    const now = this.#options.clock.now()
    for (const { pid, shardId } of this.#roster.callTheRoll(isAlive, now)) {
      this.#options.worker.ended(pid)
      this.#options.reporter.tell('info', `${shardId}: consumer ${pid} has ended`, {
        event: 'ended',
        shardId,
        pid,
      })
    }
    this.#narrator.tick()
    if (this.#ending === null) this.#tickRunning(now)
    else this.#tickEnding(this.#ending, now)
  }

  #tickRunning(now: number): void {
    this.#options.host?.tick(now)
    const [missing] = this.#roster.missing(now, PATIENCE)
    if (missing !== undefined) {
      // The daemon will not notice before the next record: it is asked to drain the other shards.
      const what = `(pid ${missing.pid}) ended while it had nothing to do`
      const death = new Death(missing, what, undefined, this.#options.reporter)
      this.#fail(death, DRAIN_LINGER)
      death.tell()
      this.#jvm.signal('SIGTERM')
      return
    }
    if (this.#options.exitOnStuck && this.#options.worker.stuck.length > 0) {
      const shards = this.#options.worker.stuck.map(({ shard }) => shard).join(', ')
      this.#fail(`No progress: ${shards} (--stuck-after, --on-stuck=exit). The worker is stopped.`, 0)
      this.#jvm.signal('SIGTERM')
      return
    }
    if (now - this.#startedAt >= this.#options.startTimeout) this.#judgeStart()
    const { reporter, context } = this.#options
    if (this.#idleness.isNews(this.#roster.present.length, now))
      reporter.tell('warn', tellIdle(this.#idleness.seconds, this.#roster.started, context))
  }

  // The time to start is up: a daemon that keeps failing is ended.
  #judgeStart(): void {
    const waited = Math.round(this.#options.startTimeout / 1000)
    const { cause, working } = this.#narrator
    if (working || cause === undefined) return
    this.#fail(`The daemon could not begin to work within ${waited} s (--start-timeout). ${cause}`, 0)
    this.#jvm.signal('SIGTERM')
  }

  #tickEnding(ending: Ending, now: number): void {
    const next = ending.look(now)
    if (next === 'too late') this.#clean = false
    if (next !== 'wait') this.#jvm.killGroup()
  }

  // The daemon begins to end itself, but would wait out its whole grace, and even start new consumers for the shards
  // that it has drained.
  #mourn(death: Death, named: boolean): void {
    // Where the process that serves all shards has died, that is the news, and it comes in a moment.
    if (this.#options.host !== undefined && this.#ending === null) {
      setTimeout(() => this.#mournNow(death, named), HOST_NEWS)
    } else this.#mournNow(death, named)
  }

  #mournNow(death: Death, named: boolean): void {
    if (this.#ending === null) this.#fail(death, 0, death.shardId)
    else if (this.#ending?.isStop && named) {
      this.#clean = false
      death.tell()
    }
  }

  #fail(reason: string | Death, linger: number, shardId?: string): void {
    if (typeof reason === 'string') this.#options.reporter.tell('error', reason)
    const others = this.#roster.present.filter((entry) => entry.shardId !== shardId)
    this.#end('failing', typeof reason === 'string' ? undefined : reason, linger, others)
  }

  // From here on the daemon must be able to write, or it could not end either.
  #end(
    name: 'stopping' | 'failing',
    death: Death | undefined,
    linger: number,
    waitingFor: readonly RosterEntry[],
  ): void {
    this.#ending = new Ending(name, { ...this.#options, death, waitingFor, linger })
    this.#narrator.end()
    this.#jvm.readOn()
  }

  // The JVM has gone before its consumers: they finish the batch in hand and read the end of their input.
  async #waitForOrphans(): Promise<void> {
    const { clock, stopTimeout } = this.#options
    const until = clock.now() + Math.min(stopTimeout, ORPHAN_TIME)
    while (clock.now() < until && this.#roster.present.some(({ pid }) => isAlive(pid))) {
      await new Promise((resolve) => setTimeout(resolve, TICK))
    }
  }

  #outcome(exit: JvmExit): Outcome {
    if (this.#ending?.isStop) return { kind: 'stopped', clean: this.#clean }
    if (this.#ending !== null) {
      this.#death?.tell()
      return { kind: 'failed' }
    }
    const complaint = this.#narrator.complaint ?? causeInTrace(this.#otherLines, this.#options.context)
    this.#options.reporter.tell('error', howDaemonEnded(exit, complaint))
    return { kind: 'failed' }
  }
}

// An exit value as Java gives it: above 128 it is a signal's number.
function howOf(value: number): 'done' | 'crashed' | 'killed' {
  return value === 0 ? 'done' : value > 128 ? 'killed' : 'crashed'
}

const TICK = 250
// The daemon says that it has seen a consumer out once the pipes are closed too.
const PATIENCE = 3000
const MOST_IDLE = 60_000
const DRAIN_LINGER = 1000
// What ends the shards' children also ends the process that serves them, a moment later perhaps.
const HOST_NEWS = 100
const ORPHAN_TIME = 5000
// A stack trace with its causes; the daemon's usage comes behind it.
const KEPT_LINES = 500
