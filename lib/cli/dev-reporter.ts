// What `dev` tells people while it runs and at its end, on standard error.

import type { ShardState } from '../children/states.ts'
import type { ShardView } from '../children/worker-view.ts'
import { endsRun, type Finding, isRemark } from '../daemon/conversation/findings.ts'
import type { Daemon } from '../daemon/daemon.ts'
import type { Fault } from '../daemon/faults/faults.ts'
import type { Shard } from '../daemon/stream/stream.ts'
import type { DaemonObserver } from '../daemon/watch/observer.ts'
import type { ShardProgress } from '../daemon/watch/progress.ts'
import {
  accountLines,
  count,
  duration,
  faultLines,
  findingLines,
  plural,
  remarkLines,
  storedLines,
  summarySentence,
  summaryTable,
} from '../daemon/watch/report.ts'
import { systemClock } from '../time.ts'
import { clearInterval, setInterval } from '../timers.ts'
import { ConsumerLines } from './consumer-lines.ts'
import { inHand, isSlow, liveLines, Rates, totalLine } from './dev-progress.ts'
import { Display, type LiveLine, type TextOutput } from './display.ts'
import { newsOfState } from './observation.ts'

/** How a run is reported: to people or to machines. */
export interface RunReporter extends DaemonObserver {
  /** The run begins; with faults, this is the seed of their dice. */
  begin(daemon: Daemon, seed: number | null): void
  /** Probes, metrics and the page are served there. */
  listening(url: string): void
  /** The state of a shard has changed. */
  changed(shard: ShardView, before: ShardState | null): void
  /** A signal asked the run to stop; whoever is not done in `timeout` milliseconds is ended; null: never. */
  stopping(signal: NodeJS.Signals, timeout: number | null): void
  /** That time is over. */
  stopTimedOut(): void
  /** The run is over; with faults, the account of every record is told too. */
  end(daemon: Daemon): void
}

export interface DevReporterOptions {
  /** Tell only what consumers write, and what goes wrong. */
  readonly quiet: boolean
  /** Remarks make the run fail. */
  readonly strict: boolean
  /** How a run goes on that was stopped: a sentence with the command. */
  readonly goOn: string
}

/** Reports a run to people. */
export class DevReporter implements RunReporter {
  readonly #terminal: boolean
  readonly #quiet: boolean
  readonly #strict: boolean
  readonly #goOn: string
  readonly #output: TextOutput
  readonly #display: Display
  readonly #lines = new ConsumerLines((lines) =>
    this.#display.print(...lines.map((line) => this.#display.withShard(line))),
  )
  readonly #rates = new Rates(systemClock.now())
  readonly #said = new Set<string>()
  /** How often something was told, by its kind. */
  readonly #told = new Map<string, number>()
  readonly #slow = new WeakMap<ShardProgress, number>()
  #daemon: Daemon | null = null
  #timer: NodeJS.Timeout | null = null
  #sinceLine = 0
  #stopping = false

  constructor(output: TextOutput, options: DevReporterOptions) {
    this.#output = output
    this.#terminal = output.isTTY === true
    this.#quiet = options.quiet
    this.#strict = options.strict
    this.#goOn = options.goOn
    this.#display = new Display(output, (_columns, rows) => this.#live(rows))
  }

  begin(daemon: Daemon, seed: number | null): void {
    this.#daemon = daemon
    if (seed !== null && !this.#quiet)
      this.#display.print(`Faults of seed ${seed}: --seed ${seed} repeats them.`)
    if (!this.#quiet) this.#display.start()
    this.#timer = setInterval(() => this.#tick(daemon), LOOK)
    this.#timer.unref()
  }

  listening(url: string): void {
    if (!this.#quiet) this.#display.print(`The shards are at ${url}`)
  }

  // A slow action is told of by its age already, and so is an end.
  changed(shard: ShardView, before: ShardState | null): void {
    const news = shard.state === 'slow' || shard.state === 'unreported' ? null : newsOfState(shard, before)
    if (news !== null && !this.#quiet) this.#display.print(news.text)
  }

  log(shard: Shard | null, line: string): Promise<void> | undefined {
    this.#lines.add(shard?.id ?? null, line, (this.#daemon?.progress.length ?? 0) <= 1)
    return this.#output.ready
  }

  found(finding: Finding, lastWords: readonly string[]): void {
    this.#lines.flush(finding.shardId)
    // When the command itself is broken every shard has the same to say: once is enough.
    if (endsRun(finding) && this.#saidBefore(finding.kind, finding.action, finding.came)) {
      this.#display.print(`${finding.shardId}: the same (${finding.kind}).`)
      return
    }
    const remark = isRemark(finding)
    const told = this.#count(finding.kind)
    if (told > MOST_ALIKE) return
    const style = remark ? 'notable' : 'bad'
    const lines = remark ? remarkLines(finding, told === 1) : findingLines(finding, lastWords.length > 0)
    const [first = '', ...rest] = lines
    const gap = remark ? [] : ['']
    this.#display.print(...gap, this.#display.paint(style, first), ...rest, ...gap)
  }

  struck(shard: Shard, fault: Fault): void {
    if (!this.#quiet && this.#count(fault.text) <= MOST_ALIKE)
      this.#display.print(`${shard.id}: fault ${fault.text}`)
  }

  // Once is enough to know it; that it goes on is told by the tenth.
  note(text: string): void {
    if (!this.#quiet && this.#count(text.replace(/\d+ ms/, '')) <= MOST_ALIKE) this.#display.print(text)
  }

  restarted(times: number): void {
    if (!this.#quiet) this.#notable(`The daemon starts again (${times}).`)
  }

  stopping(signal: NodeJS.Signals, timeout: number | null): void {
    this.#stopping = true
    this.#sinceLine = 0
    const end = timeout === null ? '' : ` What is not done in ${duration(timeout)} is ended.`
    this.#notable(`${signal}: draining.${this.#waitsFor()}${end} Once more to stop at once.`)
  }

  stopTimedOut(): void {
    this.#notable(`The time to stop is over: ending what is left.${this.#waitsFor()}`)
  }

  end(daemon: Daemon): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#lines.flush()
    this.#display.stop()
    for (const [kind, told] of this.#told) {
      if (told > MOST_ALIKE) this.#display.print(`and ${count(told - MOST_ALIKE)} more of these (${kind})`)
    }
    if (!this.#quiet) {
      this.#display.print('', ...summaryTable(daemon.progress), '')
      if (daemon.faults.length > 0) {
        this.#display.print(...accountLines(daemon.account, daemon.leases), '')
        this.#display.print(...faultLines(daemon.faults), '')
      }
    }
    if (!this.#quiet || !daemon.succeeded) {
      const style = daemon.succeeded ? 'good' : 'bad'
      this.#display.print(this.#display.paint(style, summarySentence(daemon.progress)))
    }
    this.#display.print(...this.#asides(daemon).map((line) => this.#display.paint('notable', line)))
    if (this.#stopping && !daemon.isComplete) {
      this.#display.print('', ...storedLines(daemon.progress, (shard) => daemon.stored(shard)), this.#goOn)
    }
  }

  #notable(text: string): void {
    this.#display.print(this.#display.paint('notable', text))
  }

  // A sentence with a blank in front, or nothing.
  #waitsFor(): string {
    const waits = inHand(this.#daemon?.progress ?? [], systemClock.now())
    return waits === '' ? '' : ` Waiting for ${waits}.`
  }

  // What makes no run fail unless it is strict.
  #asides({ remarks, neverStruck }: Daemon): string[] {
    const lines: string[] = []
    if (remarks > 0) lines.push(`${plural(remarks, 'remark')}, of which the real daemon takes no notice`)
    if (neverStruck.length > 0) {
      const names = neverStruck.map(({ fault }) => fault.text).join(', ')
      lines.push(`${plural(neverStruck.length, 'fault')} never struck, and taught nothing: ${names}`)
    }
    if (lines.length > 0 && !this.#strict) lines.push('(--strict makes these failures)')
    return lines
  }

  // How often this was told, this time included.
  #count(kind: string): number {
    const told = (this.#told.get(kind) ?? 0) + 1
    this.#told.set(kind, told)
    return told
  }

  #saidBefore(...what: readonly unknown[]): boolean {
    const key = JSON.stringify(what)
    const before = this.#said.has(key)
    this.#said.add(key)
    return before
  }

  #live(rows: number): LiveLine[] {
    return this.#daemon === null ? [] : liveLines(this.#daemon.progress, this.#rates, systemClock.now(), rows)
  }

  #tick(daemon: Daemon): void {
    this.#sinceLine += LOOK
    if (this.#stopping && this.#sinceLine >= WAIT_TIME) {
      this.#sinceLine = 0
      this.#notable(`Still draining.${this.#waitsFor()}`)
    }
    if (this.#quiet || this.#terminal) return
    if (this.#sinceLine >= LINE_TIME) {
      this.#sinceLine = 0
      this.#display.print(totalLine(daemon.progress, this.#rates, systemClock.now()))
    }
    for (const progress of daemon.progress) this.#noticeSlow(progress)
  }

  // Once for each action: the real daemon would say nothing at all.
  #noticeSlow(progress: ShardProgress): void {
    const { action, actionSince, shard } = progress
    const now = systemClock.now()
    if (!isSlow(progress, now) || this.#slow.get(progress) === actionSince) return
    this.#slow.set(progress, actionSince)
    this.#notable(
      `${shard.id}: ${action} has been in hand for ${duration(now - actionSince)}. The real daemon waits without a word, and keeps the lease.`,
    )
  }
}

// How many findings or strikes of one kind are told: one print for each record would be as many.
const MOST_ALIKE = 10
// Milliseconds: how often to look, and how often to write a line: of how far the run is, or what a stop waits for.
const LOOK = 1000
const LINE_TIME = 10_000
const WAIT_TIME = 5000
