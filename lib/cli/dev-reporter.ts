// What `dev` tells people while it runs and at its end, on standard error, whole lines only.

import type { Daemon, DaemonObserver } from '../daemon/daemon.ts'
import { endsRun, type Finding } from '../daemon/findings.ts'
import { findingLines, summarySentence, summaryTable } from '../daemon/report.ts'
import type { Shard } from '../daemon/stream.ts'

/** Somewhere to write text to. */
export interface TextOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Reports a run to people. */
export class DevReporter implements DaemonObserver {
  readonly #output: TextOutput
  readonly #prefixed: boolean
  readonly #said = new Set<string>()

  constructor(output: TextOutput, shards: number) {
    this.#output = output
    // Elsewhere than on a terminal the lines are left as they are: a machine may be reading them.
    this.#prefixed = output.isTTY === true && shards > 1
  }

  log(shard: Shard, line: string): void {
    this.#print(this.#prefixed ? `${shard.id} | ${line}` : line)
  }

  // When the command itself is broken every shard has the same to say: once is enough.
  found(finding: Finding, lastWords: readonly string[]): void {
    const key = JSON.stringify([finding.kind, finding.action, finding.came])
    if (endsRun(finding) && this.#said.has(key)) {
      this.#print(`${finding.shardId}: the same (${finding.kind}).`)
      return
    }
    this.#said.add(key)
    this.#print('', ...findingLines(finding, lastWords), '')
  }

  /** The closing table and its sentence. */
  summary(daemon: Daemon): void {
    this.#print('', ...summaryTable(daemon.progress), '', summarySentence(daemon.progress))
  }

  #print(...lines: readonly string[]): void {
    this.#output.write(`${lines.join('\n')}\n`)
  }
}
