// The daemon's half of a conversation, in lock-step: one action, then its status; checkpoints are stored on the way.

import { line } from './shapes.ts'

/** The first action of every conversation. */
export const INITIALIZE: Buffer = line({
  action: 'initialize',
  shardId: 'shardId-000000000000',
  sequenceNumber: 'TRIM_HORIZON',
  subSequenceNumber: 0,
})

/** One conversation. */
export class LockStep {
  readonly #write: (bytes: Buffer) => void
  #half = ''
  #waiting: { resolve: () => void; reject: (error: Error) => void } | null = null

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write
  }

  /** Sends an action; resolves at its status. */
  perform(action: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#write(action)
    })
  }

  /** The other side has spoken. */
  hear(text: string): void {
    const lines = (this.#half + text).split('\n')
    this.#half = lines.pop() ?? ''
    for (const said of lines) {
      if (said === '') continue
      const { action, responseFor, ...position } = JSON.parse(said) as Record<string, unknown>
      if (action === 'checkpoint') this.#write(line({ action, ...position, error: null }))
      else this.#waiting?.resolve()
    }
  }

  /** No status is waited for any more. */
  rest(): void {
    this.#waiting = null
  }

  fail(error: Error): void {
    this.#waiting?.reject(error)
  }
}
