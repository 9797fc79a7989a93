// What `dev` tells people while it runs and at its end, on standard error.

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
  summarySentence,
  summaryTable,
} from '../daemon/watch/report.ts'
import { systemClock } from '../time.ts'
import { clearInterval, setInterval } from '../timers.ts'
import { ConsumerLines } from './consumer-lines.ts'
import { liveLines, Rates, totalLine } from './dev-progress.ts'
import { Display, type TextOutput } from './display.ts'

/** How a run is reported: to people or to machines. */
export interface RunReporter extends DaemonObserver {
  /** The run begins; with faults, this is the seed of their dice. */
  begin(daemon: Daemon, seed: number | null): void
  /** A signal asked the run to stop. */
  stopping(signal: NodeJS.Signals): void
  /** The run is over; with faults, the account of every record is told too. */
  end(daemon: Daemon): void
}

/** Reports a run to people. */
export class DevReporter implements RunReporter {
  readonly #terminal: boolean
  readonly #quiet: boolean
  readonly #strict: boolean
  readonly #display: Display
  readonly #lines = new ConsumerLines((lines) => this.#display.print(...lines))
  readonly #rates = new Rates(systemClock.now())
  readonly #said = new Set<string>()
  /** How often something was told, by its kind. */
  readonly #told = new Map<string, number>()
  readonly #slow = new WeakMap<ShardProgress, number>()
  #daemon: Daemon | null = null
  #timer: NodeJS.Timeout | null = null
  #sinceLine = 0

  /** `quiet`: only what consumers write, and what goes wrong; `strict`: remarks make the run fail. */
  constructor(output: TextOutput, options: { quiet: boolean; strict: boolean }) {
    this.#terminal = output.isTTY === true
    this.#quiet = options.quiet
    this.#strict = options.strict
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

  log(shard: Shard, line: string): void {
    this.#lines.add(shard.id, line, (this.#daemon?.progress.length ?? 0) <= 1)
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
    if (remark) this.#display.print(...remarkLines(finding, told === 1))
    else this.#display.print('', ...findingLines(finding, lastWords.length > 0), '')
  }

  struck(shard: Shard, fault: Fault): void {
    if (!this.#quiet && this.#count(fault.text) <= MOST_ALIKE)
      this.#display.print(`${shard.id}: fault ${fault.text}`)
  }

  restarted(times: number): void {
    if (!this.#quiet) this.#display.print(`The daemon starts again (${times}).`)
  }

  stopping(signal: NodeJS.Signals): void {
    this.#display.print(`${signal}: draining. Once more to stop at once.`)
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
    if (!this.#quiet || !daemon.succeeded) this.#display.print(summarySentence(daemon.progress))
    this.#display.print(...this.#asides(daemon))
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

  #live(rows: number): string[] {
    return this.#daemon === null ? [] : liveLines(this.#daemon.progress, this.#rates, systemClock.now(), rows)
  }

  #tick(daemon: Daemon): void {
    if (this.#quiet || this.#terminal) return
    this.#sinceLine += LOOK
    if (this.#sinceLine >= LINE_TIME) {
      this.#sinceLine = 0
      this.#display.print(totalLine(daemon.progress, this.#rates, systemClock.now()))
    }
    for (const progress of daemon.progress) this.#noticeSlow(progress)
  }

  // Once for each action: the real daemon would say nothing at all.
  #noticeSlow(progress: ShardProgress): void {
    const { action, actionSince, shard } = progress
    const age = systemClock.now() - actionSince
    if (action === null || age < SLOW || this.#slow.get(progress) === actionSince) return
    this.#slow.set(progress, actionSince)
    this.#display.print(
      `${shard.id}: ${action} has been in hand for ${duration(age)}. The real daemon waits without a word, and keeps the lease.`,
    )
  }
}

// How many findings or strikes of one kind are told: one print for each record would be as many.
const MOST_ALIKE = 10
// Milliseconds: how often to look, how often to write a line, and when an action is slow.
const LOOK = 1000
const LINE_TIME = 10_000
const SLOW = 10_000
