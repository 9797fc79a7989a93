// Loaded into kinesis-local before its own code, by --import: it listens on every interface, and has no setting for
// that. Whatever listens in that process, listens on this machine alone.

import { Server } from 'node:net'

const listen = Server.prototype.listen as (this: Server, ...args: unknown[]) => Server

Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  const [first, ...rest] = args
  if (typeof first === 'object' && first !== null && 'port' in first) {
    return listen.call(this, { ...first, host: LOOPBACK }, ...rest)
  }
  if (typeof first !== 'number' && typeof first !== 'string') return listen.call(this, ...args)
  const others = typeof rest[0] === 'string' ? rest.slice(1) : rest
  return listen.call(this, Number(first), LOOPBACK, ...others)
} as typeof Server.prototype.listen

const LOOPBACK = '127.0.0.1'
