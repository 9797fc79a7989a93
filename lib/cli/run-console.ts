// What `run` shows of its shards: on a terminal a table below the log, elsewhere a line a minute, with --json events.

import type { ShardState } from '../children/states.ts'
import type { Worker } from '../children/worker.ts'
import type { ShardView } from '../children/worker-view.ts'
import { type LogLevel, Reporter } from '../launcher/supervision/reporter.ts'
import { clearInterval, setInterval } from '../timers.ts'
import { ConsumerLines } from './consumer-lines.ts'
import { Display, type TextOutput } from './display.ts'
import { summaryOf, tableLines } from './live-table.ts'
import { newsOfState } from './observation.ts'

export interface RunConsoleOptions {
  readonly level: LogLevel
  readonly quiet: boolean
  readonly json: boolean
  readonly live: boolean
  /** Milliseconds; null for no summary. */
  readonly summary: number | null
  readonly environment: NodeJS.ProcessEnv
}

/** Everything that `run` prints goes through here. */
export class RunConsole {
  readonly reporter: Reporter
  readonly #options: RunConsoleOptions
  readonly #output: TextOutput
  readonly #display: Display
  readonly #lines: ConsumerLines
  #worker: Worker | null = null
  #url: string | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(output: TextOutput, options: RunConsoleOptions) {
    this.#output = output
    this.#options = options
    this.#display = new Display(output, (_columns, rows) => {
      return this.#worker === null ? [] : tableLines(this.#worker.view(), rows, this.#url)
    })
    this.#lines = new ConsumerLines((lines) => {
      this.#display.print(...lines.map((line) => this.#display.withShard(line)))
    })
    this.reporter = new Reporter({
      level: options.level,
      quiet: options.quiet,
      json: options.json,
      output: {
        get ready() {
          return output.ready
        },
        write: (text) => {
          this.#lines.flush()
          this.#display.print(text.replace(/\n$/, ''))
        },
      },
      consumer: (text, shardId) => this.#lines.add(shardId, text, this.#isAlone),
      now: Date.now,
    })
  }

  /** The worker is there to be shown. */
  begin(worker: Worker, url: string | null): void {
    this.#worker = worker
    this.#url = url
    if (url !== null) this.reporter.tell('info', `The shards are at ${url}`, { event: 'http', url })
    if (this.#isLive) this.#display.start()
    else if (this.#options.summary !== null) {
      this.#timer = setInterval(() => this.#summarize(worker), this.#options.summary).unref()
    }
  }

  /** The state of a shard has changed. */
  changed(shard: ShardView, before: ShardState | null): void {
    const news = newsOfState(shard, before)
    if (this.#options.json) {
      const { shard: shardId, state } = shard
      const text = news?.text ?? `${shardId} is ${state}`
      this.reporter.tell(news?.importance ?? 'info', text, { event: 'state', shardId, state, before })
    } else if (news !== null) this.reporter.tell(news.importance, news.text)
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#lines.flush()
    this.#display.stop()
  }

  get #isLive(): boolean {
    const { live, json, environment } = this.#options
    return live && !json && this.#output.isTTY === true && !environment.CI && environment.TERM !== 'dumb'
  }

  get #isAlone(): boolean {
    return (this.#worker?.size ?? 0) <= 1
  }

  // Nothing to tell of is told by others.
  #summarize(worker: Worker): void {
    const view = worker.view()
    if (view.shards.length === 0) return
    const shards = view.shards.map(({ log: _log, ...shard }) => shard)
    this.reporter.tell('info', summaryOf(view), { event: 'summary', shards })
  }
}
