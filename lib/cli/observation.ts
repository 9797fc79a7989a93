// What `run` and `dev` know of their shards while they run, and how it gets out: the hub that consumers report to, the
// worker that keeps it, and with --http the server that tells it.

import { ReportHub } from '../children/hub.ts'
import { isDone, type ShardState } from '../children/states.ts'
import { Worker, type WorkerOptions } from '../children/worker.ts'
import type { ShardView, WorkerIdentity } from '../children/worker-view.ts'
import { type HttpServer, readHttpAddress, serveHttp } from '../http/server.ts'
import { maskText } from '../launcher/configuration/masking.ts'
import { systemClock } from '../time.ts'
import type { ObservationOptions } from './observation-options.ts'

/** What is to be observed. */
export interface Observed extends Pick<WorkerOptions, 'onState'> {
  readonly identity: WorkerIdentity
  /** When an idle shard starves, in milliseconds; null where no empty batches come. */
  readonly starvingAfter: number | null
}

/** Open from before the first consumer to the end of the command. */
export class Observation {
  readonly worker: Worker
  /** What consumers need in their environment to report; nothing where no local socket could be made. */
  readonly environment: Readonly<Record<string, string>>
  /** Where the page is, with --http. */
  readonly url: string | null
  readonly #hub: ReportHub | null
  readonly #server: HttpServer | null
  readonly #stopWatching: () => void

  private constructor(worker: Worker, hub: ReportHub | null, server: HttpServer | null) {
    this.worker = worker
    this.environment = {
      ...hub?.environment,
      ...(server === null
        ? {}
        : {
            KCL_SESSION_HTTP: `${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`,
          }),
    }
    this.url = server?.url ?? null
    this.#hub = hub
    this.#server = server
    this.#stopWatching = worker.watch()
  }

  /** Throws UsageError where the port cannot be had. */
  static async open(options: ObservationOptions, observed: Observed): Promise<Observation> {
    const { identity, starvingAfter, onState } = observed
    const worker = new Worker({
      identity,
      limits: { stuckAfter: options.stuckAfter ?? 0, starvingAfter },
      clock: systemClock,
      ...(onState === undefined ? {} : { onState }),
    })
    const server =
      options.http === undefined ? null : await serve(options.http, options.httpLogs === true, worker)
    // Without reports the processes alone are judged; that is no reason not to run.
    const hub = await ReportHub.open(worker).catch(() => null)
    return new Observation(worker, hub, server)
  }

  async close(): Promise<void> {
    this.worker.phase = 'stopped'
    this.#stopWatching()
    await Promise.all([this.#hub?.close(), this.#server?.close()])
  }
}

/** Whether a change of state is worth a line, and how it reads; null where it is not. */
export function newsOfState(
  shard: ShardView,
  before: ShardState | null,
): { readonly importance: 'info' | 'warn'; readonly text: string } | null {
  const words = STATE_WORDS[shard.state]
  if (words !== undefined)
    return { importance: 'warn', text: `${shard.shard} is ${shard.state}: ${words(shard)}` }
  if (before !== null && STATE_WORDS[before] !== undefined && shard.state !== 'gone') {
    return { importance: 'info', text: `${shard.shard} is ${shard.state} again, after it was ${before}` }
  }
  return null
}

function serve(address: string, logs: boolean, worker: Worker): Promise<HttpServer> {
  const place = readHttpAddress(address)
  const own = ['localhost', '::1'].includes(place.host) || place.host.startsWith('127.')
  return serveHttp({ ...place, view: () => worker.view(), logs: logs || own, mask: maskText })
}

const STATE_WORDS: Readonly<Partial<Record<ShardState, (shard: ShardView) => string>>> = {
  stuck: ({ noProgress }) =>
    `no progress for ${Math.round(noProgress)} s (--stuck-after). The shard waits, and its lease is renewed meanwhile.`,
  silent: () => 'its process says nothing; the event loop is blocked, or the process stopped.',
  slow: ({ noProgress, batch }) =>
    `no progress for ${Math.round(noProgress)} s${batch === null ? '' : `, ${batch.finished} of ${batch.size} records of the batch are finished`}.${isDone(batch) ? ' Its checkpoint waits: DynamoDB does not answer, or the daemon stands still.' : ''}`,
  starving: ({ readAge }) =>
    `nothing has been read for ${Math.round(readAge ?? 0)} s, not even an empty batch. Records wait: Kinesis does not answer, or the daemon stands still.`,
  unreported: () => 'its consumer does not report, so only its process is watched. Is it another library?',
}
