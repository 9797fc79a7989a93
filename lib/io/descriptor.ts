// The protocol's output as a plain descriptor. A write is done when it returns, so that a status is out
// before a `process.exit()` on the next line, and it does not pass through `process.stdout`.

import { closeSync, openSync, writeSync } from 'node:fs'
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { Writable } from 'node:stream'
import { setTimeout } from '../timers.ts'

/**
 * Reads from the pipe or socket on `descriptor`. Never a file stream: that one's read(2) in a pool thread would keep the
 * process from exiting. Its chunks are there until the listeners return: all are read into the same memory and pass by
 * the stream's own queue, which would cost more than the read.
 */
export class DescriptorReader extends Socket {
  constructor(descriptor: number) {
    memory ??= Buffer.allocUnsafeSlow(LONGEST_READ)
    const buffer = memory
    // With `manualStart`, as Node opens stdin, it reads nothing until it is asked to.
    const options: SocketConstructorOpts & { manualStart: boolean; onread: OnReadOpts } = {
      fd: descriptor,
      readable: true,
      writable: false,
      manualStart: true,
      onread: { buffer, callback: (length) => this.emit('data', buffer.subarray(0, length)) },
    }
    super(options)
  }
}

/** A stream that writes to `descriptor` at once; ended or destroyed, it closes it with `close`. */
export class DescriptorWriter extends Writable {
  readonly #descriptor: number
  readonly #close: (descriptor: number) => void
  // What was written at once, last: a status is the same each time.
  #text = ''
  #bytes: Buffer = Buffer.alloc(0)

  constructor(descriptor: number, close: (descriptor: number) => void) {
    super()
    this.#descriptor = descriptor
    this.#close = close
  }

  /**
   * Writes text past the stream's own queue, which costs more than the write. Answers what is left for `write()`:
   * all of it where something waits there, or where the pipe is full or broken.
   */
  writeNow(text: string): string | Buffer {
    if (this.writableLength > 0 || !this.writable) return text
    if (text !== this.#text) {
      this.#text = text
      this.#bytes = Buffer.from(text)
    }
    const bytes = this.#bytes
    try {
      const written = writeSync(this.#descriptor, bytes, 0, bytes.length)
      return written === bytes.length ? '' : bytes.subarray(written)
    } catch {
      // The stream finds the same, and reports it as its errors are reported.
      return text
    }
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
    writeAll(this, this.#descriptor, bytes, done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#close(this.#descriptor)
    done(error)
  }
}

/** Closes a descriptor; that it is closed already is not an error. */
export function closeDescriptor(descriptor: number): void {
  try {
    closeSync(descriptor)
  } catch {
    // EBADF: it is what we wanted.
  }
}

/**
 * Closes one of the standard descriptors, so that the far end sees its end, and puts the null device there:
 * else the next file that somebody opens would get that number, and what is printed would end up in it.
 */
export function replaceByNull(descriptor: number): void {
  closeDescriptor(descriptor)
  try {
    // The system gives out the lowest free number. Lower ones, closed at the start, are filled on the way.
    let opened = openSync(devNull, 'w')
    while (opened < descriptor) opened = openSync(devNull, 'w')
    if (opened > descriptor) closeSync(opened)
  } catch {
    // No descriptor left or no null device: the output is closed all the same.
  }
}

function writeAll(stream: Writable, descriptor: number, bytes: Buffer, done: (error?: Error) => void): void {
  let rest = bytes
  try {
    while (rest.length > 0 && !stream.destroyed) rest = rest.subarray(writeSync(descriptor, rest))
  } catch (error) {
    // A full pipe, 64 KiB unread: wait for the reader, without keeping everything else from running.
    const full = (error as NodeJS.ErrnoException).code === 'EAGAIN'
    if (full) setTimeout(writeAll, RETRY_AFTER, stream, descriptor, rest, done)
    else done(error as Error)
    return
  }
  done()
}

// Asking node:os for it would load that at each start.
const devNull = process.platform === 'win32' ? '\\\\.\\nul' : '/dev/null'
// One for all of them: what is read into it has been handed on before the next read.
let memory: Buffer | undefined
// Bytes, as many as a pipe holds.
const LONGEST_READ = 65_536
// Milliseconds between two tries on a full pipe.
const RETRY_AFTER = 5
