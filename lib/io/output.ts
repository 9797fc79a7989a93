// Standard error, or standard output, as somewhere that may be slow, full or gone.
// Rule: nothing that happens to it throws here, and what waits to be written is bounded.

import type { Writable } from 'node:stream'
import { clearTimeout, setTimeout } from '../timers.ts'

/** A stream for text; a terminal tells its size. */
export interface TextStream extends Writable {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  hasColors?(): boolean
}

/** Writes to a stream whose reader may be slow or gone. */
export class Output {
  readonly #stream: TextStream
  #gone = false
  #lost = 0
  #ready: PromiseWithResolve | undefined

  constructor(stream: TextStream) {
    this.#stream = stream
    stream.on('error', () => {
      this.#gone = true
      this.#settle()
    })
    stream.on('drain', () => this.#settle())
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true
  }

  /** Obeys NO_COLOR, FORCE_COLOR and TERM. */
  hasColors(): boolean {
    return this.#stream.hasColors?.() === true
  }

  get columns(): number | undefined {
    return this.#stream.columns
  }

  get rows(): number | undefined {
    return this.#stream.rows
  }

  /** Undefined where more can be written now; else a promise that resolves when it can, or when nobody reads any more. */
  get ready(): Promise<void> | undefined {
    if (this.#gone || !this.#stream.writableNeedDrain) return undefined
    this.#ready ??= promiseWithResolve()
    return this.#ready.promise
  }

  /** Writes, if anybody reads; whoever writes on and on without waiting for `ready` loses what is too much to keep. */
  write(text: string): void {
    if (this.#gone) return
    if (this.#stream.writableLength > MOST_WAITING) {
      this.#lost++
      return
    }
    const lost = this.#lost
    this.#lost = 0
    this.#stream.write(lost === 0 ? text : `(${lost} lines were left out: nobody read them.)\n${text}`)
  }

  /** Waits until everything is written, but no longer than this; false where something is not. */
  async flush(patience: number): Promise<boolean> {
    if (this.#gone || this.#stream.writableLength === 0) return true
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), patience)
      this.#stream.write('', () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }

  #settle(): void {
    this.#ready?.resolve()
    this.#ready = undefined
  }
}

interface PromiseWithResolve {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function promiseWithResolve(): PromiseWithResolve {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

const MOST_WAITING = 1024 * 1024
