// `kcl-session jars [FOLDER]`: fetches the daemon's jars ahead, into the cache or into a folder for an image.

import { resolve } from 'node:path'
import { type FetchOptions, fetchJars, putJars } from '../launcher/machine/jar-folder.ts'
import { daemonJars } from '../launcher/machine/jar-set.ts'
import { findJava } from '../launcher/machine/java.ts'
import { withSignals } from '../launcher/machine/signals.ts'
import { fetchServers } from '../local/servers.ts'
import { newCommand, parseOptions } from './arguments.ts'

/** Runs the command: prints the folder on standard output. Resolves to the exit code. */
export async function jars(args: readonly string[]): Promise<number> {
  const command = newCommand('jars', "Fetches the daemon's jars ahead, with Maven.")
    .argument('[folder]', 'a new or empty folder; without it, the cache')
    .option('--local', 'fetch what kcl-session local needs, too, into the cache')
    .allowExcessArguments(false)
  if (!parseOptions(command, args)) return 0
  const [folder] = command.args
  const { local } = command.opts<{ readonly local?: boolean }>()
  return withSignals({}, async ({ signal }) => {
    const options: FetchOptions = { environment: process.env, signal, note: (text) => console.error(text) }
    // Maven needs Java too, and its own message about that is a poor one.
    await findJava(process.env, undefined, signal)
    if (local === true) await fetchServers(options)
    if (folder !== undefined) await putJars(resolve(folder), options)
    console.log(folder === undefined ? await fetchJars(daemonJars, options) : resolve(folder))
    return 0
  })
}
