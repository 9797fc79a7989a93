#!/usr/bin/env node
// The command line: finds the command, loads only that one, and turns what it comes to into an exit code.
// Rule: a mistake of the user's is one line on standard error and exit code 2, never a stack.

import { UsageError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { ownVersion } from './version.ts'

/** A command: its arguments in, its exit code out. */
type Command = (args: readonly string[]) => Promise<number>

const COMMANDS: Readonly<Record<string, { about: string; load: () => Promise<Command> }>> = {
  init: {
    about: 'write a consumer to begin with, its test, and a few records',
    load: async () => (await import('./init.ts')).init,
  },
  dev: {
    about: 'run a consumer on a file of records, or on a stream, without Java',
    load: async () => (await import('./dev.ts')).dev,
  },
  replay: {
    about: 'play the daemon of a transcript against a consumer',
    load: async () => (await import('./replay.ts')).replay,
  },
  run: {
    about: 'run a consumer under the real daemon, with Java',
    load: async () => (await import('./run.ts')).run,
  },
  local: {
    about: 'run Kinesis and DynamoDB on this machine, with a stream to play with',
    load: async () => (await import('./local.ts')).local,
  },
  put: {
    about: 'put a file of records into a stream',
    load: async () => (await import('./put.ts')).put,
  },
  probe: {
    about: 'ask a worker with --http whether it is live or ready',
    load: async () => (await import('./probe.ts')).probe,
  },
  status: {
    about: 'tell who owns which shard of an application, and how far each is',
    load: async () => (await import('./status.ts')).status,
  },
  reset: {
    about: 'begin an application anew at another place of its stream',
    load: async () => (await import('./reset.ts')).reset,
  },
  check: {
    about: "print the daemon's configuration, where each value comes from, and what is wrong with it",
    load: async () => (await import('./check.ts')).check,
  },
  doctor: {
    about: 'tell what this machine has of what run needs',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  jars: {
    about: "fetch the daemon's jars ahead",
    load: async () => (await import('./jars.ts')).jars,
  },
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help())
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${ownVersion()}\n`)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    const near = nearest(name, Object.keys(COMMANDS))
    const suggestion = near === undefined ? '' : ` Did you mean "${near}"?`
    throw new UsageError(`There is no command "${name}".${suggestion} See kcl-session --help.`)
  }
  return (await command.load())(rest)
}

function help(): string {
  const commands = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(8)}${about}`)
  return [
    'Usage: kcl-session COMMAND [options] [-- consumer command]',
    '',
    'Commands:',
    ...commands,
    '',
    'kcl-session COMMAND --help tells the options of a command; --verbose shows where an error comes from.',
    '',
  ].join('\n')
}

// Before anything is parsed: --verbose belongs to every command, and what is behind -- to the consumer.
function withoutVerbose(args: readonly string[]): { words: string[]; verbose: boolean } {
  const end = args.indexOf('--')
  const own = end < 0 ? args : args.slice(0, end)
  const rest = end < 0 ? [] : args.slice(end)
  return {
    words: [...own.filter((word) => word !== '--verbose'), ...rest],
    verbose: own.includes('--verbose'),
  }
}

const { words, verbose } = withoutVerbose(process.argv.slice(2))
async function die(error: unknown): Promise<void> {
  const { fatal } = await import('./fatal.ts')
  const { text, exitCode } = fatal(error, verbose)
  process.stderr.write(`kcl-session: ${text}\n`)
  process.exitCode = exitCode
}

// What no command was waiting for: nothing goes on after it.
process.on('uncaughtException', (error) => void die(error).finally(() => process.exit()))
try {
  process.exitCode = await main(words)
} catch (error) {
  await die(error)
}
