// A name that one process on this machine holds for its life: an abstract unix socket, which the kernel gives back
// at any kind of death, a kill -9 included. Only Linux has them; another network namespace does not collide. A child
// that is given the descriptor holds the name too: it is free when the last of them has gone.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout } from '../../timers.ts'

/** A held name. */
export interface Slot {
  /** For a child that is to hold the name as well. */
  readonly descriptor: number | undefined
  release(): void
}

/**
 * The slot; 'taken' where another process holds it; 'unsupported' where there is no such thing. Whoever asks the
 * holder gets `answer`.
 */
export function holdSlot(name: string, answer = ''): Promise<Slot | 'taken' | 'unsupported'> {
  if (process.platform !== 'linux') return Promise.resolve('unsupported')
  return new Promise((resolve) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(answer)
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'taken' : 'unsupported')
    })
    server.listen(`\0${PREFIX}${fit(name)}`, () => {
      server.unref()
      const { _handle } = server as Server & { readonly _handle?: { readonly fd?: number } }
      resolve({ descriptor: _handle?.fd, release: () => server.close() })
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

/** What the holders of all names that begin like this answer; one that does not answer in time is left out. */
export async function askHolders(beginning: string): Promise<string[]> {
  const answers = await Promise.all(heldNames(beginning).map(ask))
  return answers.filter((answer) => answer !== undefined)
}

/** A part of a name: text that is too long is cut, and told apart by its digest. */
export function namePart(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= LONGEST_PART && /^[\w.:-]*$/.test(text)) return text
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST)
  return `${text.replace(/[^\w.:-]/g, '_').slice(0, LONGEST_PART - DIGEST - 1)}~${digest}`
}

function heldNames(beginning: string): string[] {
  try {
    const lines = readFileSync('/proc/net/unix', 'utf8').split('\n')
    const names = lines.flatMap((line) => {
      const at = line.indexOf(`@${PREFIX}${beginning}`)
      return at < 0 ? [] : [line.slice(at + 1)]
    })
    return [...new Set(names)]
  } catch {
    return []
  }
}

function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = ''
    const socket: Socket = connect(`\0${path}`)
    socket.setTimeout(PATIENCE, () => socket.destroy())
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.once('error', () => resolve(undefined))
    socket.once('end', () => resolve(text))
    socket.once('close', () => resolve(undefined))
  })
}

// Some versions of Node fill a name up to its full length with zeros, and others do not: all names are full.
function fit(name: string): string {
  return `${Buffer.byteLength(name) > NAME_LENGTH ? namePart(name) : name}/`.padEnd(NAME_LENGTH, '.')
}

const PREFIX = 'kcl-session/'
// The kernel's limit is 108 bytes, with the zero in front.
const NAME_LENGTH = 107 - PREFIX.length
const LONGEST_PART = 40
const DIGEST = 16
const WAIT = 200
const PATIENCE = 1000
