// `kcl-session probe`: asks a running worker whether it is live or ready, for health checks inside a container, where
// there is no curl. Exit code 0 or 1.

import { UsageError } from '../errors.ts'
import { readHttpAddress } from '../http/server.ts'
import { newCommand, parseOptions } from './arguments.ts'

/** Runs the command. Resolves to the exit code: 0 only where the answer is yes. */
export async function probe(args: readonly string[]): Promise<number> {
  const command = newCommand(
    'probe',
    'Asks a worker with --http whether it is live or ready: exit code 0 or 1.',
  )
    .usage('[live|ready] [--http [HOST:]PORT]')
    .argument('[what]', 'live, or ready', 'live')
    .option('--http <address>', 'where the worker listens (default: KCL_SESSION_HTTP)')
    .allowExcessArguments(false)
  if (!parseOptions(command, args)) return 0
  const what = command.processedArgs[0] as string
  if (what !== 'live' && what !== 'ready') throw new UsageError(`probe ${what}: there are live and ready.`)
  const address = command.opts<{ http?: string }>().http ?? process.env.KCL_SESSION_HTTP
  if (!address) throw new UsageError('Where does the worker listen? Give --http=PORT, or KCL_SESSION_HTTP.')
  const { host, port } = readHttpAddress(address)
  const reachable = ['0.0.0.0', '::'].includes(host) ? 'localhost' : host
  const url = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}/${what}z`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), redirect: 'error' })
    process.stdout.write(await answer.text())
    return answer.ok ? 0 : 1
  } catch {
    process.stdout.write(`[-] nothing answers at ${url}\n`)
    return 1
  }
}

const PATIENCE = 4000
