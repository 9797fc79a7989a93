// Where a shard's conversation comes from: the pipes that the daemon made for its child, a socket of the embedded
// daemon, or streams of a test.

import { constants, fstatSync, openSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { closeDescriptor, DescriptorReader, DescriptorWriter } from '../io/descriptor.ts'
import type { Clock } from '../time.ts'

/** One lease of a shard, and the streams that its daemon speaks on. */
export interface ShardLine {
  readonly shardId: string
  readonly input: Readable
  readonly output: Writable
  /** For tests. */
  readonly clock?: Clock | undefined
  /** The handler is through with the shard, in peace or with an error; the streams are not needed any more. */
  settled(failure?: { readonly error: unknown }): void
}

/** Tells of shards, one after the other, until no more will come. */
export interface ShardHost {
  readonly shards: AsyncIterable<ShardLine>
}

/** Streams, and how to let go of them. */
export interface Streams {
  readonly input: Readable
  readonly output: Writable
  /** `content`: its handler did not fail. */
  close(content: boolean): void
}

/**
 * The pipes of the daemon's child `pid`, a shell that does nothing but hold them on descriptors 3 and 4: opened anew,
 * so that nothing is forwarded. Closing them sends the child home. Throws what the system says where that fails.
 */
export function openPipes(pid: number): Streams {
  const from = openSync(`/proc/${pid}/fd/3`, constants.O_RDONLY | constants.O_NONBLOCK)
  let to: number
  try {
    to = openSync(`/proc/${pid}/fd/4`, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    closeDescriptor(from)
    throw error
  }
  const { ino, dev } = fstatSync(from)
  const input = new DescriptorReader(from)
  const output = new DescriptorWriter(to, closeDescriptor)
  input.on('error', ignore)
  output.on('error', ignore)
  return {
    input,
    output,
    close(content) {
      input.destroy()
      output.destroy()
      // Only if it is still the process with this pipe: never a stranger who was given its pid.
      try {
        const now = statSync(`/proc/${pid}/fd/3`)
        if (now.ino === ino && now.dev === dev) process.kill(pid, content ? 'SIGUSR1' : 'SIGUSR2')
      } catch {
        // It has gone already.
      }
    },
  }
}

/** A connection to a socket: `@name` for an abstract one of Linux, else a path. */
export async function openSocket(address: string): Promise<Streams> {
  const socket = connect({ path: address.replace(/^@/, '\0'), allowHalfOpen: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.pause()
  socket.on('error', ignore)
  return { input: socket, output: socket, close: () => void socket.destroy() }
}

function ignore(): void {}
