// Who is told what a daemon does: reports, recordings, tests.

import type { Finding } from '../conversation/findings.ts'
import type { CheckpointRequest, LeasePosition } from '../conversation/messages.ts'
import type { Fault } from '../faults/faults.ts'
import type { LeaseEnd } from '../lease/lease.ts'
import type { Shard } from '../stream/stream.ts'

/** Whoever wants to know what happens: a terminal, a log, a test. All optional, none may throw. */
export interface DaemonObserver {
  /** A consumer was started; `lease` counts all consumers of the run from 1. */
  started?(shard: Shard, lease: number): void
  /** The consumer's process is there. */
  spawned?(shard: Shard, pid: number): void
  checkpointed?(shard: Shard, position: LeasePosition): void
  refused?(shard: Shard, request: CheckpointRequest, error: string): void
  found?(finding: Finding, lastWords: readonly string[]): void
  /** A fault has struck. */
  struck?(shard: Shard, fault: Fault): void
  ended?(shard: Shard, end: LeaseEnd, lease: number): void
  /** The daemon begins again after a fault that killed it; `times` counts from 1. */
  restarted?(times: number): void
  /** Something is waited for, or tried again. */
  note?(text: string): void
  /**
   * A line that a consumer wrote to standard error; null: one of several shards, and nobody knows in whose name. While a promise that this returns is pending, the consumer's next
   * lines have to wait.
   */
  log?(shard: Shard | null, line: string): unknown
  /** A line of a conversation, or a note on it. */
  line?(shard: Shard, lease: number, from: 'daemon' | 'consumer' | 'note', text: string): void
}

/** Tells several observers, one after the other. */
export function tellAll(observers: readonly DaemonObserver[]): DaemonObserver {
  return {
    started: (...of) => observers.forEach((one) => void one.started?.(...of)),
    spawned: (...of) => observers.forEach((one) => void one.spawned?.(...of)),
    checkpointed: (...of) => observers.forEach((one) => void one.checkpointed?.(...of)),
    refused: (...of) => observers.forEach((one) => void one.refused?.(...of)),
    found: (...of) => observers.forEach((one) => void one.found?.(...of)),
    struck: (...of) => observers.forEach((one) => void one.struck?.(...of)),
    ended: (...of) => observers.forEach((one) => void one.ended?.(...of)),
    restarted: (...of) => observers.forEach((one) => void one.restarted?.(...of)),
    note: (...of) => observers.forEach((one) => void one.note?.(...of)),
    log: (...of) => {
      const held = observers.map((one) => one.log?.(...of)).filter((ready) => ready instanceof Promise)
      return held.length === 0 ? undefined : Promise.all(held)
    },
    line: (...of) => observers.forEach((one) => void one.line?.(...of)),
  }
}
