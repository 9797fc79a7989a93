// The two streams that a session speaks on: the user's pair, or the process's own, which are descriptors 3
// and 4 where a launcher put the protocol there, else stdin and stdout. Opening reads nothing, and keeps no
// process alive. The process's own are opened once and lent to one session after the other.

import type { Cluster } from 'node:cluster'
import { fstatSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { UsageError } from '../errors.ts'
import { workerThreads } from '../lazy.ts'
import { claim } from './claim.ts'
import { closeDescriptor, DescriptorReader, DescriptorWriter, replaceByNull } from './descriptor.ts'
import { isHosted } from './hosted.ts'

/** Where a session reads and writes. */
export interface Channel {
  readonly input: Readable
  readonly output: Writable
  /** The process's own pipes: console and signals are then ours. */
  readonly own: boolean
  /** Closes the output once everything written is out, so that the reader at the far end sees its end. */
  closeOutput(): void
  /** Keeps no process alive any more. */
  rest(): void
  /** Gives the streams back, to be claimed by another session: closes nothing, and keeps no process alive. */
  release(): void
}

/**
 * The user's streams as they are, or the process's own, claimed until they are released. Throws UsageError where
 * nothing could come of it: one stream of two, streams that have ended or that another session has, a terminal as
 * stdin, descriptors that are not ours.
 */
export function openChannel(streams: { input?: Readable; output?: Writable }): Channel {
  const { input, output } = streams
  if (input === undefined && output === undefined) return ownChannel()
  if (input === undefined || output === undefined) {
    const missing = input === undefined ? 'input' : 'output'
    throw new UsageError(
      `new KclSession(): ${missing} is missing. Give both input and output, or neither for the process's own.`,
    )
  }
  checkInput(input)
  checkOutput(output)
  const release = claim([input, output])
  return { input, output, own: false, closeOutput: () => close(output), rest() {}, release }
}

function checkInput(input: Readable): void {
  const stream: unknown = input
  if (!hasMethods(stream, ['on', 'off', 'pause', 'resume', 'unshift'])) {
    throw new UsageError('new KclSession(): input is not a readable stream. Give one, such as process.stdin.')
  }
  if (!input.readable) {
    throw new UsageError('new KclSession(): nothing can be read from input. It has ended or was destroyed.')
  }
}

function checkOutput(output: Writable): void {
  const stream: unknown = output
  if (!hasMethods(stream, ['on', 'off', 'write', 'end'])) {
    throw new UsageError(
      'new KclSession(): output is not a writable stream. Give one, such as process.stdout.',
    )
  }
  if (!output.writable) {
    throw new UsageError('new KclSession(): nothing can be written to output. It has ended or was destroyed.')
  }
}

function hasMethods(value: unknown, names: string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}

function close(output: Writable): void {
  if (output.destroyed || output.writableEnded) return
  // A reader that is gone is what the caller wants to bring about; it must not crash the process.
  output.on('error', ignore)
  // Node never closes descriptor 1 by itself: process.stdout's destroy does nothing.
  output.end(() => {
    if (output === process.stdout) replaceByNull(process.stdout.fd)
  })
}

type OwnStreams = Pick<Channel, 'input' | 'output' | 'rest'>

let own: OwnStreams | undefined

function ownChannel(): Channel {
  if (!isMainThread()) {
    throw new UsageError(
      "new KclSession(): the process's own pipes belong to its main thread. Start the session there, or give input and output.",
    )
  }
  if (isHosted()) {
    throw new UsageError(
      'new KclSession(): this process serves all shards of a worker (--shared), and each brings its own pipes. Call eachShard(handler), whose handler is given a session for each shard; or start it without --shared.',
    )
  }
  // What one worker reads, the others miss, and each answers on the same pipe.
  if (process.send !== undefined && isClusterWorker()) {
    throw new UsageError(
      'new KclSession(): this is a cluster worker, and workers share their stdin and stdout. Start the session in the primary process, or give input and output.',
    )
  }
  own ??= process.env[DESCRIPTORS] ? openDescriptors(process.env[DESCRIPTORS]) : openStandard()
  const { input, output, rest } = own
  if (!input.readable || !output.writable) {
    throw new UsageError(
      'new KclSession(): the pipes to the daemon are closed: an earlier session used them to their end.',
    )
  }
  const giveBack = claim([process, input, output])
  const release = (): void => {
    rest()
    giveBack()
  }
  return { input, output, own: true, closeOutput: () => close(output), rest, release }
}

// In Node's threads the stream has no descriptor. Whoever put another stream in its place may have none either.
function isMainThread(): boolean {
  const { bun, deno } = process.versions
  const told = process.stdout.fd !== undefined && !bun && !deno
  return told || workerThreads().isMainThread
}

// Asked for only where it may be one: loading it takes milliseconds, and in a worker it is there.
function isClusterWorker(): boolean {
  const { isWorker } = process.getBuiltinModule('node:cluster') as unknown as Cluster
  return isWorker
}

function openStandard(): OwnStreams {
  if (process.stdin.isTTY) {
    throw new UsageError(
      'new KclSession(): stdin is a terminal, and no daemon speaks there. To try a consumer on a file: npx kcl-session dev --input events.ndjson -- node consumer.js',
    )
  }
  const output = new DescriptorWriter(1, replaceByNull)
  output.on('error', ignore)
  // A paused stdin is not read and keeps nothing alive.
  return { input: process.stdin, output, rest() {} }
}

function openDescriptors(text: string): OwnStreams {
  const [, from, to] = /^(\d+),(\d+)$/.exec(text) ?? []
  if (from === undefined || to === undefined) {
    throw new UsageError(
      `${DESCRIPTORS}: ${JSON.stringify(text)} is not a pair of descriptors such as 3,4. The launcher sets it; unset it elsewhere.`,
    )
  }
  // Node closes these descriptors in what it spawns: they would be other files here, or none.
  if (process.env[PROCESS] !== String(process.pid)) {
    throw new UsageError(
      `new KclSession(): the daemon speaks on descriptors ${from} and ${to} of process ${process.env[PROCESS] ?? '(unknown)'}, and this is process ${process.pid}, which another program started in between (npm, npx, tsx, a watcher). Start node itself, for TypeScript with node --import tsx consumer.ts, or use stdin and stdout with --protocol=stdio.`,
    )
  }
  if (process.versions.bun || process.versions.deno) {
    throw new UsageError(
      `new KclSession(): the daemon speaks on descriptors ${from} and ${to}, which only Node can open. For Bun and Deno use stdin and stdout, with --protocol=stdio.`,
    )
  }
  checkPipe(Number(from))
  const input = new DescriptorReader(Number(from))
  checkPipe(Number(to))
  const output = new DescriptorWriter(Number(to), closeDescriptor)
  // They are ours for good: nobody else would hear of an error after a session has let go of them.
  input.on('error', ignore)
  output.on('error', ignore)
  // What we spawn must not take them for its own.
  delete process.env[DESCRIPTORS]
  delete process.env[PROCESS]
  return { input, output, rest: () => input.unref() }
}

function checkPipe(descriptor: number): void {
  let problem = 'is not a pipe'
  try {
    const stats = fstatSync(descriptor)
    if (stats.isFIFO() || stats.isSocket()) return
  } catch {
    problem = 'is not open'
  }
  throw new UsageError(
    `${DESCRIPTORS}: descriptor ${descriptor} ${problem} in this process. Start the consumer with kcl-session, or use stdin and stdout with --protocol=stdio.`,
  )
}

function ignore(): void {}

const DESCRIPTORS = 'KCL_SESSION_FDS'
const PROCESS = 'KCL_SESSION_PID'
