// One run of the daemon, from its start to its end: follows its log, keeps the list of consumers, notices those
// that die while the daemon does not, stops it in time, and says in words why it ended.
// Rule: whatever happens, nothing of the group outlives `run()`.

import type { Clock } from '../../time.ts'
import { clearInterval, setInterval, setTimeout } from '../../timers.ts'
import { isAlive } from '../machine/processes.ts'
import { briefly, type CauseContext, causeOf, keepsTrying } from './causes.ts'
import { Jvm, type JvmExit, type JvmOptions } from './jvm.ts'
import { type DaemonEvent, LogReader } from './marks.ts'
import type { Reporter } from './reporter.ts'
import { Roster, type RosterEntry } from './roster.ts'

/** What a run needs. Times are milliseconds. */
export interface SupervisionOptions extends JvmOptions {
  readonly context: CauseContext
  readonly reporter: Reporter
  readonly clock: Clock
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
  | { readonly kind: 'failed'; readonly reason: string }

type Phase =
  | { readonly name: 'running' }
  | { readonly name: 'stopping'; readonly since: number }
  /** A consumer died, or the start failed. `waitingFor` were alive then: the daemon may start new ones meanwhile. */
  | {
      readonly name: 'failing'
      readonly since: number
      readonly reason: string
      readonly waitingFor: readonly RosterEntry[]
      readonly linger: number
    }

/** A run of the daemon. */
export class Supervision {
  readonly #options: SupervisionOptions
  readonly #roster = new Roster()
  readonly #log: LogReader
  readonly #jvm: Jvm
  readonly #startedAt: number
  #phase: Phase = { name: 'running' }
  #initialized = false
  #clean = true
  #warnedOfTimeout = false
  #quietSince: number | undefined
  #cause: string | undefined
  #lastError: DaemonEvent | undefined
  #otherLines: string[] = []

  /** Starts the daemon at once. */
  constructor(options: SupervisionOptions) {
    this.#options = options
    this.#startedAt = options.clock.now()
    this.#log = new LogReader(options.start.marks)
    this.#jvm = new Jvm(options, (line) => this.#read(line))
  }

  /** Follows the daemon to its end. */
  async run(): Promise<Outcome> {
    const ticker = setInterval(() => this.#tick(), TICK)
    try {
      const exit = await this.#jvm.exited
      // Consumers that were left behind end with the group; the watcher is sent home by closed().
      if (this.#roster.present.some(({ pid }) => isAlive(pid))) await this.#waitForOrphans()
      this.#jvm.killGroup()
      await this.#jvm.closed()
      return this.#outcome(exit)
    } finally {
      clearInterval(ticker)
    }
  }

  /** Stops in good order: the consumers finish what they have in hand, checkpoint and end. */
  stop(): void {
    if (this.#phase.name !== 'running') return
    this.#phase = { name: 'stopping', since: this.#options.clock.now() }
    this.#jvm.signal('SIGTERM')
  }

  /** Ends everything at once. */
  kill(): void {
    this.#clean = false
    this.#jvm.killGroup()
  }

  /** Has Java print its threads. */
  dumpThreads(): void {
    this.#jvm.signal('SIGQUIT')
  }

  #read(line: string): void {
    const read = this.#log.read(line)
    if (read === undefined) return
    if (read.kind === 'daemon') this.#follow(read.event)
    else if (read.kind === 'arrival') this.#welcome(read.shardId, read.pid)
    else if (read.kind === 'consumer') {
      this.#roster.hear(read.shardId, read.text)
      this.#options.reporter.line(read.text, read.shardId)
    } else {
      // The daemon prints its usage after a stack trace; the first lines say what was wrong.
      if (this.#otherLines.length < KEPT_LINES && read.text.trim() !== '') this.#otherLines.push(read.text)
      this.#options.reporter.line(read.text)
    }
  }

  #welcome(shardId: string, pid: number): void {
    const { reporter, clock } = this.#options
    this.#initialized = true
    this.#roster.arrive(pid, shardId)
    const seconds = ((clock.now() - this.#startedAt) / 1000).toFixed(1)
    const after = this.#roster.started === 1 ? `, ${seconds} s after the start` : ''
    reporter.tell('info', `${shardId}: consumer ${pid} started${after}`, { shardId, pid })
  }

  #follow(event: DaemonEvent): void {
    const { reporter, context } = this.#options
    if (event.message.startsWith('Initialization complete')) this.#initialized = true
    if (event.message.startsWith('Lease table is still empty')) reporter.tellOnce('info', NO_LEASES)
    if (event.message.startsWith('Child process exited with value')) this.#roster.seeOut()
    const ofProtocol = event.logger === PROTOCOL
    // What the protocol's events quote is a consumer's word, and no cause of anything.
    const cause = ofProtocol ? undefined : causeOf(event, context)
    const [, action, shardId] = (ofProtocol && BROKEN_OFF.exec(event.message)) || []
    // What is told in words, or follows from what was told, is left to those who ask for more of the log.
    const aftermath = this.#phase.name !== 'running' && AFTERMATH.test(event.logger)
    reporter.event(event, cause !== undefined || action !== undefined || aftermath)
    if (action !== undefined && shardId !== undefined) this.#brokenOff(shardId, action, event)
    if (event.level === 'ERROR') this.#lastError = event
    if (cause === undefined || cause === this.#cause) return
    this.#cause = cause
    if (this.#initialized) reporter.tell('warn', cause)
    else reporter.tellOnce('error', keepsTrying(cause))
  }

  #tick(): void {
    const now = this.#options.clock.now()
    for (const { pid, shardId } of this.#roster.callTheRoll(isAlive, now)) {
      this.#options.reporter.tell('info', `${shardId}: consumer ${pid} has ended`, { shardId, pid })
    }
    const phase = this.#phase
    if (phase.name === 'running') this.#tickRunning(now)
    else this.#tickEnding(phase, now)
  }

  #tickRunning(now: number): void {
    const [missing] = this.#roster.missing(now, PATIENCE)
    if (missing !== undefined) {
      // The daemon will not notice before the next record: it is asked to drain the other shards.
      this.#fail(
        lastWords(
          `The consumer of ${missing.shardId} (pid ${missing.pid}) ended by itself while it had nothing to do.`,
          missing.lastWords,
        ),
        DRAIN_LINGER,
      )
      this.#jvm.signal('SIGTERM')
    } else if (now - this.#startedAt >= this.#options.startTimeout) {
      this.#judgeStart()
    }
  }

  // The time to start is up. A daemon that keeps failing is ended; one without a shard may be doing its duty.
  #judgeStart(): void {
    const waited = Math.round(this.#options.startTimeout / 1000)
    if (!this.#initialized && this.#cause !== undefined) {
      this.#fail(`The daemon could not begin to work within ${waited} s (--start-timeout). ${this.#cause}`, 0)
      this.#jvm.signal('SIGTERM')
    } else if (this.#roster.started === 0) {
      const { applicationName, streamName } = this.#options.context
      this.#options.reporter.tellOnce(
        'warn',
        `No consumer has started within ${waited} s. Either other workers of ${applicationName} hold every lease, or its lease table belongs to another stream than ${streamName}, or every shard has been read to its end. --log-level=info shows the daemon's own log.`,
      )
    }
  }

  #tickEnding(phase: Exclude<Phase, { name: 'running' }>, now: number): void {
    const waitingFor = (phase.name === 'stopping' ? this.#roster.present : phase.waitingFor).filter(
      ({ pid }) => isAlive(pid),
    )
    const elapsed = now - phase.since
    if (waitingFor.length === 0) {
      this.#quietSince ??= now
      // The JVM would only wait for its failover time now. The leader's lock takes it a second to give back.
      const linger = phase.name === 'stopping' ? DRAIN_LINGER : phase.linger
      if (now - this.#quietSince >= linger && elapsed >= 2 * linger) this.#jvm.killGroup()
      return
    }
    this.#quietSince = undefined
    if (elapsed >= this.#options.stopTimeout) {
      this.#clean = false
      this.#jvm.killGroup()
    } else if (elapsed >= this.#options.stopTimeout - LAST_CALL && !this.#warnedOfTimeout) {
      this.#warnedOfTimeout = true
      const shards = waitingFor.map(({ shardId }) => shardId).join(', ')
      this.#options.reporter.tell(
        'warn',
        `Still in a batch: ${shards}. It will be delivered again; give a longer --stop-timeout for batches that take long.`,
      )
    }
  }

  // The daemon has ended an action without an answer: it begins to end itself, but would wait out its whole
  // grace, and even start new consumers for the shards that it has drained.
  #brokenOff(shardId: string, action: string, event: DaemonEvent): void {
    const ended = event.causes.some((cause) => cause.includes('Reached end of STDIN'))
    const what = ended
      ? `ended before it acknowledged ${action}.`
      : `did not answer ${action} as it must: ${briefly(event)}`
    const reason = lastWords(`The consumer of ${shardId} ${what}`, this.#roster.lastWordsOf(shardId))
    if (this.#phase.name === 'running') this.#fail(reason, 0, shardId)
    else if (this.#phase.name === 'stopping') {
      this.#clean = false
      this.#options.reporter.tell('error', reason, { shardId })
    }
  }

  #fail(reason: string, linger: number, shardId?: string): void {
    this.#phase = {
      name: 'failing',
      since: this.#options.clock.now(),
      reason,
      waitingFor: this.#roster.present.filter((entry) => entry.shardId !== shardId),
      linger,
    }
    this.#options.reporter.tell('error', reason, shardId === undefined ? {} : { shardId })
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
    if (this.#phase.name === 'stopping') return { kind: 'stopped', clean: this.#clean }
    if (this.#phase.name === 'failing') return { kind: 'failed', reason: this.#phase.reason }
    const how = exit.signal === null ? `exit code ${exit.code}` : exit.signal
    const why =
      this.#cause ?? (this.#lastError && briefly(this.#lastError)) ?? this.#otherLines.slice(0, 3).join(' ')
    const reason = `The daemon ended by itself (${how}). ${why}`.trim()
    this.#options.reporter.tell('error', reason)
    return { kind: 'failed', reason }
  }
}

// The line that names the error is somewhere in the last of them; all have been printed already.
function lastWords(reason: string, words: readonly string[]): string {
  const word = words.findLast((line) => TELLING.test(line) && !/^\s+at /.test(line))
  return word === undefined ? reason : `${reason} Its last words: ${word.trim()}`
}

const NO_LEASES =
  'There are no leases yet; the daemon waits for up to half a minute before it makes them, in case another worker does.'
const PROTOCOL = 'MultiLangProtocol'
const BROKEN_OFF = /^Failed to get status message for (\w+) action for shard (\S+)/
const AFTERMATH = /^(MultiLang|MessageWriter|CloudWatchPublisher|LineReader)/
const TELLING = /error|exception|fail|cannot|not found|denied|panic|killed|abort/i
const TICK = 250
// The daemon says that it has seen a consumer out once the pipes are closed too.
const PATIENCE = 3000
const DRAIN_LINGER = 1000
const LAST_CALL = 1000
const ORPHAN_TIME = 5000
const KEPT_LINES = 10
