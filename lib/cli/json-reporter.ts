// What `dev --json` tells machines: one JSON object a line on standard output, each with its `event`. What consumers
// write to standard error goes to standard error, with its shard in front where there are several.

import type { ShardState } from '../children/states.ts'
import type { ShardView } from '../children/worker-view.ts'
import { type Finding, isRemark } from '../daemon/conversation/findings.ts'
import type { CheckpointRequest, LeasePosition } from '../daemon/conversation/messages.ts'
import type { Daemon } from '../daemon/daemon.ts'
import type { Fault } from '../daemon/faults/faults.ts'
import type { LeaseEnd } from '../daemon/lease/lease.ts'
import type { Shard } from '../daemon/stream/stream.ts'
import { runTotals } from '../daemon/watch/report.ts'
import { systemClock } from '../time.ts'
import { ConsumerLines } from './consumer-lines.ts'
import type { RunReporter } from './dev-reporter.ts'
import type { TextOutput } from './display.ts'
import type { FieldsOf, JsonEvent } from './json-events.ts'

/** Reports a run to machines. */
export class JsonReporter implements RunReporter {
  readonly #output: TextOutput
  readonly #errors: TextOutput
  readonly #lines: ConsumerLines
  #daemon: Daemon | null = null

  constructor(output: TextOutput, errors: TextOutput) {
    this.#output = output
    this.#errors = errors
    this.#lines = new ConsumerLines((lines) => errors.write(`${lines.join('\n')}\n`))
  }

  begin(daemon: Daemon, seed: number | null): void {
    this.#daemon = daemon
    this.#tell('begin', { shards: daemon.progress.length, seed })
  }

  started(shard: Shard, lease: number): void {
    this.#tell('started', { shardId: shard.id, lease })
  }

  checkpointed(shard: Shard, position: LeasePosition): void {
    this.#tell('checkpointed', { shardId: shard.id, ...position })
  }

  refused(shard: Shard, request: CheckpointRequest, error: string): void {
    this.#tell('refused', { shardId: shard.id, ...request, error })
  }

  found(finding: Finding, lastWords: readonly string[]): void {
    this.#tell('finding', { ...finding, hint: finding.hint, remark: isRemark(finding), lastWords })
  }

  struck(shard: Shard, fault: Fault): void {
    this.#tell('fault', { shardId: shard.id, fault: fault.name, text: fault.text })
  }

  note(text: string): void {
    this.#tell('note', { text })
  }

  restarted(times: number): void {
    this.#tell('restarted', { times })
  }

  ended(shard: Shard, end: LeaseEnd, lease: number): void {
    this.#tell('ended', { shardId: shard.id, lease, end })
  }

  listening(url: string): void {
    this.#tell('http', { url })
  }

  changed({ shard: shardId, state }: ShardView, before: ShardState | null): void {
    this.#tell('state', { shardId, state, before })
  }

  log(shard: Shard | null, line: string): Promise<void> | undefined {
    this.#lines.add(shard?.id ?? null, line, (this.#daemon?.progress.length ?? 0) <= 1)
    return this.#errors.ready
  }

  stopping(signal: NodeJS.Signals, timeout: number | null): void {
    this.#tell('stopping', { signal, timeout, inHand: this.#inHand() })
  }

  stopTimedOut(): void {
    this.#tell('stop-timed-out', { inHand: this.#inHand() })
  }

  end(daemon: Daemon): void {
    this.#lines.flush()
    this.#tell('summary', {
      succeeded: daemon.succeeded,
      ...runTotals(daemon.progress),
      perShard: daemon.progress.map((one) => ({
        shardId: one.shard.id,
        total: one.total,
        delivered: one.delivered,
        acknowledged: one.acknowledged,
        checkpointed: one.checkpointed,
        stored: daemon.stored(one.shard),
        milliseconds: Math.round(one.duration),
      })),
      account: daemon.account,
      consumers: daemon.leases,
      remarks: daemon.remarks,
      faults: daemon.faults.map(({ fault, struck }) => ({ fault: fault.text, struck })),
    })
  }

  #inHand(): object[] {
    return (this.#daemon?.progress ?? [])
      .filter(({ action }) => action !== null)
      .map(({ shard, action, actionSince }) => ({
        shardId: shard.id,
        action,
        milliseconds: Math.round(systemClock.now() - actionSince),
      }))
  }

  #tell<E extends JsonEvent>(event: E, fields: FieldsOf<E>): void {
    this.#output.write(`${JSON.stringify({ event, ...fields })}\n`)
  }
}
