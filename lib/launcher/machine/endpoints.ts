// Asks at once whether anybody answers at an endpoint that was named: the daemon takes many seconds to say so.

import { connect } from 'node:net'

/** Why nobody can be reached at an address, in words; undefined where a connection could be made. */
export function unreachable(address: string, timeout: number): Promise<string | undefined> {
  const { hostname, port, protocol } = new URL(address)
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
    })
    const answer = (text: string | undefined): void => {
      socket.destroy()
      resolve(text)
    }
    socket.unref()
    socket.setTimeout(timeout, () => answer('no answer'))
    socket.once('connect', () => answer(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) => answer(REASONS[error.code ?? ''] ?? error.message))
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'the host is not known',
  EAI_AGAIN: 'the host is not known',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'no answer',
}
