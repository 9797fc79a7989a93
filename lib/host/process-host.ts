// The host's end of the control socket: shards come in, failures go out.

import { Socket } from 'node:net'
import { takeHost } from '../io/hosted.ts'
import { readline } from '../lazy.ts'
import { markLines, showError, watchStrays } from './context.ts'
import { format, type News, type Order, type ShardOrder } from './control.ts'
import { openPipes, openSocket, type ShardHost, type ShardLine } from './shard-line.ts'

/** The host that this process was started by, or null. Throws UsageError where another process was meant. */
export function processHost(): ShardHost | null {
  const place = takeHost()
  if (place === null) return null
  markLines(place.mark)
  return new ProcessHost(new Socket({ fd: place.descriptor, readable: true, writable: true }))
}

class ProcessHost implements ShardHost {
  readonly #control: Socket
  #working = 0
  /** Lets go of everything; null while shards may come. */
  #release: (() => void) | null = null

  constructor(control: Socket) {
    this.#control = control
    // Whoever started us may be gone: then no more shards come, and that is all.
    control.on('error', () => {})
  }

  get shards(): AsyncIterable<ShardLine> {
    return this.#shards()
  }

  async *#shards(): AsyncGenerator<ShardLine> {
    // The launcher asks for a stop in the daemon's words; a Ctrl-C reaches the whole group of processes.
    for (const signal of SIGNALS) process.on(signal, ignore)
    const unwatch = watchStrays()
    try {
      this.#tell({ ready: process.pid })
      for await (const text of readline().createInterface({ input: this.#control })) {
        const order = JSON.parse(text) as Order
        if ('over' in order) return
        const line = await this.#open(order)
        if (line !== null) yield line
      }
    } finally {
      this.#release = () => {
        unwatch()
        for (const signal of SIGNALS) process.off(signal, ignore)
        this.#control.destroy()
      }
      this.#releaseWhenIdle()
    }
  }

  #releaseWhenIdle(): void {
    if (this.#working === 0) this.#release?.()
  }

  // Where the streams cannot be had, nobody else ends the daemon's child, and the daemon would wait for ever.
  async #open(order: ShardOrder): Promise<ShardLine | null> {
    const { id, shard } = order
    try {
      const streams = 'pid' in order ? openPipes(order.pid) : await openSocket(order.socket)
      this.#working += 1
      return {
        shardId: shard,
        input: streams.input,
        output: streams.output,
        settled: (failure) => {
          // Told first, so that it is known by the time that the streams end.
          if (failure !== undefined) this.#tell({ failed: id, error: showError(failure.error) })
          streams.close(failure === undefined)
          this.#working -= 1
          this.#releaseWhenIdle()
        },
      }
    } catch (error) {
      this.#tell({ failed: id, error: `The pipes of ${shard} cannot be opened: ${showError(error)}` })
      return null
    }
  }

  #tell(news: News): void {
    if (!this.#control.destroyed) this.#control.write(format(news))
  }
}

function ignore(): void {}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
