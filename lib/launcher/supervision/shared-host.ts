// The process that serves all shards, beside one run of the daemon: started before Java, told of each of the daemon's
// children, and waited for in the end. Its death is the death of every consumer.

import { HostProcess } from '../../children/host-process.ts'
import type { Worker } from '../../children/worker.ts'
import type { Clock } from '../../time.ts'
import { howHostEnded } from './last-words.ts'
import type { Reporter } from './reporter.ts'
import type { Roster } from './roster.ts'
import { GATE, HOST_GROUP } from './script.ts'

export interface SharedHostOptions {
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly reporter: Reporter
  readonly worker: Worker
  readonly clock: Clock
}

/** A running host. */
export class SharedHost {
  readonly #options: SharedHostOptions
  #process: HostProcess | undefined
  #roster: Roster | undefined
  // Since when children wait for it to call eachShard; null once that was judged.
  #waitedFor: number | undefined | null

  private constructor(options: SharedHostOptions) {
    this.#options = options
  }

  /** Starts it. Rejects where its gate cannot be made. */
  static async start(options: SharedHostOptions): Promise<SharedHost> {
    const host = new SharedHost(options)
    const { words, environment } = options
    host.#process = await HostProcess.start({
      words,
      environment,
      gated: true,
      onLine: (text, shardId) => host.#tell(text, shardId),
    })
    return host
  }

  /** What the daemon's children need to find it. */
  get place(): Record<string, string> {
    const { gate = '', pid } = this.#process ?? {}
    return { [GATE]: gate, [HOST_GROUP]: String(pid) }
  }

  /** A run begins; `ended` is told in words when the host ends. */
  follow(roster: Roster, ended: (reason: string) => void): void {
    this.#roster = roster
    const host = this.#process
    void host?.exited.then((exit) => ended(howHostEnded(exit, host)))
  }

  /** Has it serve a shard, on the pipes of the daemon's child. */
  serve(shardId: string, pid: number): void {
    if (this.#waitedFor === undefined) this.#waitedFor = this.#options.clock.now()
    this.#process?.serve(shardId, { pid }, (error) => {
      for (const line of error.split('\n')) this.#roster?.hear(shardId, line)
      // Where its pipes could not even be opened nobody else ends the child, and the daemon would wait for ever.
      this.#process?.sendHome(pid)
    })
  }

  /** Says so, once, where shards wait for a program that does not take them. */
  tick(now: number): void {
    if (this.#waitedFor == null || now - this.#waitedFor < PATIENCE) return
    this.#waitedFor = null
    if (this.#process?.ready !== false) return
    const shards = this.#roster?.present.map(({ shardId }) => shardId).join(', ')
    this.#options.reporter.tell(
      'warn',
      `The program has not called eachShard() for ${PATIENCE / 1000} s, and ${shards} cannot begin. With --shared the shards are given to its handler; without it each has a process of its own.`,
    )
  }

  /** There will be no more shards. Answers whether it ended in peace within so many milliseconds. */
  async finish(patience: number): Promise<boolean> {
    const exit = await this.#process?.finish(patience)
    return exit?.code === 0
  }

  kill(): void {
    this.#process?.kill('SIGKILL')
    this.#process?.release()
  }

  // While nobody takes our own lines, its lines have to wait.
  #tell(text: string, shardId: string | null): Promise<void> | undefined {
    const { reporter, worker } = this.#options
    if (shardId !== null) this.#roster?.hear(shardId, text)
    if (shardId !== null) worker.heard(shardId, text)
    reporter.consumerLine(text, shardId)
    return reporter.ready
  }
}

const PATIENCE = 10_000
