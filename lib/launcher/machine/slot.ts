// A name that one process on this machine holds for its life: an abstract unix socket, which the kernel gives
// back at any kind of death, a kill -9 included. Only Linux has them; another network namespace does not collide.

import { createServer, type Server } from 'node:net'
import { setTimeout } from '../../timers.ts'

/** A held name. */
export interface Slot {
  release(): void
}

/** The slot; 'taken' where another process holds it; 'unsupported' where there is no such thing. */
export function holdSlot(name: string): Promise<Slot | 'taken' | 'unsupported'> {
  if (process.platform !== 'linux') return Promise.resolve('unsupported')
  return new Promise((resolve) => {
    const server: Server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'taken' : 'unsupported')
    })
    server.listen(`\0${PREFIX}${fit(name)}`, () => {
      server.unref()
      resolve({ release: () => server.close() })
    })
  })
}

/** Waits for a slot to become free; `onWait` is called once when that is necessary. Undefined where there are none. */
export async function waitForSlot(
  name: string,
  onWait: () => void,
  signal?: AbortSignal,
): Promise<Slot | undefined> {
  let waited = false
  for (;;) {
    signal?.throwIfAborted()
    const slot = await holdSlot(name)
    if (slot === 'unsupported') return undefined
    if (slot !== 'taken') return slot
    if (!waited) onWait()
    waited = true
    await new Promise((resolve) => setTimeout(resolve, WAIT))
  }
}

// The kernel's limit is 107 bytes; what is longer is told apart by its end.
function fit(name: string): string {
  const bytes = Buffer.from(name)
  return bytes.length <= LONGEST ? name : bytes.subarray(bytes.length - LONGEST).toString('latin1')
}

const PREFIX = 'kcl-session/'
const LONGEST = 90
const WAIT = 200
