// Text to a stream, each piece as it is written. A stream that breaks is reported once and never crashes
// the process, not even when it breaks after we have let go of it.

import type { Writable } from 'node:stream'
import { DescriptorWriter } from './descriptor.ts'

/** Writes protocol messages to the output, each as it is framed. */
export class LineWriter {
  readonly #output: Writable
  readonly #report: (error: Error, unwritten: boolean) => void
  #state: 'open' | 'over' | 'stopped' = 'open'
  #failed = false
  #unwritten = 0
  #waiting: (() => void)[] = []

  /**
   * `onError` is told once of an error event, or that the stream was closed before everything was written, and whether
   * something was on its way, which the reader may never see.
   */
  constructor(output: Writable, onError: (error: Error, unwritten: boolean) => void) {
    this.#output = output
    this.#report = onError
    output.on('error', this.#onError)
    output.on('close', this.#onClose)
  }

  /** Writes the text at once, as UTF-8, and calls `written` when it is out; does nothing after an error, a close or `stop()`. */
  write(text: string, written?: () => void): void {
    if (this.#state !== 'open') return
    const rest = this.#output instanceof DescriptorWriter ? this.#output.writeNow(text) : text
    if (rest.length === 0) {
      written?.()
      return
    }
    this.#unwritten++
    this.#output.write(rest, 'utf8', (error) => {
      if (!error) written?.()
      this.#onWritten(error)
    })
  }

  /** Resolves once the operating system has everything that was written, or the stream failed; never rejects. */
  flushed(): Promise<void> {
    if (this.#unwritten === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Gives the stream back. What is under way is still written; what goes wrong with it is nobody's news. */
  stop(): void {
    this.#state = 'stopped'
    this.#letGo()
  }

  #onWritten(error: Error | null | undefined): void {
    if (error) this.#onError(error)
    else if (this.#unwritten > 0 && --this.#unwritten === 0) this.#settle()
  }

  readonly #onError = (error: Error): void => {
    this.#failed = true
    this.#end(error)
  }

  readonly #onClose = (): void => {
    const { writableFinished, errored } = this.#output
    this.#end(
      writableFinished
        ? null
        : (errored ?? new Error('The output was closed before everything was written.')),
    )
  }

  #end(error: Error | null): void {
    const open = this.#state === 'open'
    const unwritten = this.#unwritten > 0
    if (open) this.#state = 'over'
    this.#unwritten = 0
    this.#settle()
    if (open && error !== null) this.#report(error, unwritten)
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
    this.#letGo()
  }

  // A failed stream keeps its listener: its error event comes after the callback that told us of the failure.
  #letGo(): void {
    if (this.#state !== 'stopped' || this.#unwritten > 0 || this.#failed) return
    this.#output.off('error', this.#onError)
    this.#output.off('close', this.#onClose)
  }
}
