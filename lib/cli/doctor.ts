// `kcl-session doctor`: what this machine has of what `run` needs.

import { examine, formatChecks } from '../launcher/machine/doctor.ts'
import { newCommand, parseOptions } from './arguments.ts'

/** Runs the command. Resolves to the exit code: 1 where something that `run` needs is missing. */
export async function doctor(args: readonly string[]): Promise<number> {
  const command = newCommand('doctor', 'Tells what this machine has of what run needs.')
    .option('--jars <folder>', "a folder with the daemon's jars")
    .allowExcessArguments(false)
  if (!parseOptions(command, args)) return 0
  const checks = await examine({
    jars: command.opts<{ readonly jars?: string }>().jars,
    environment: process.env,
    note: (text) => console.error(text),
  })
  console.log(formatChecks(checks))
  return checks.some(({ state }) => state === 'missing') ? 1 : 0
}
