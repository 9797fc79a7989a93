// The one place that turns an error into a sentence and an exit code: whatever a command dies of, its user reads
// what was wrong and what to do. The stack is for --verbose.

import { inspect } from 'node:util'
import { AwsError, AwsUnreachable } from '../aws/client.ts'
import { TOO_LONG } from '../children/command.ts'
import { KclError, UsageError } from '../errors.ts'

/** What an error comes to: 2 where the user can mend it, 1 where it is anything else. */
export interface Fatal {
  readonly text: string
  readonly exitCode: number
}

/** The sentence for any error, with the whole of it behind where that is asked for. */
export function fatal(error: unknown, verbose: boolean): Fatal {
  const { text, exitCode } = told(error)
  return { text: verbose ? `${text}\n${inspect(error)}` : text, exitCode }
}

function told(error: unknown): Fatal {
  if (error instanceof UsageError) return { text: error.message, exitCode: 2 }
  if (error instanceof AwsError) return { text: `${error.message.replace(/\.?$/, '.')}`, exitCode: 2 }
  if (error instanceof AwsUnreachable) return { text: `${error.message} Is the endpoint right?`, exitCode: 2 }
  const words = systemWords(error)
  if (words !== undefined) return { text: words, exitCode: 2 }
  const message = error instanceof Error ? error.message : String(error)
  const said = error instanceof KclError ? message : `Something went wrong that was not foreseen: ${message}`
  return { text: `${said.replace(/\.?$/, '.')} --verbose shows where.`, exitCode: 1 }
}

// An error of the operating system, by its code.
function systemWords(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const { path, dest, syscall } = error as NodeJS.ErrnoException & { dest?: string }
  const words = SYSTEM[error.code]
  if (words === undefined) return undefined
  const where = dest ?? path
  return `${where === undefined || syscall?.startsWith('spawn') ? '' : `${where}: `}${words}`
}

const SYSTEM: Readonly<Record<string, string>> = {
  E2BIG: TOO_LONG,
  ENOSPC: 'There is no space left on the device. Make room, or name another folder.',
  EDQUOT: 'The quota of this user is used up. Make room, or name another folder.',
  EROFS: 'The file system is read-only. Name a folder that can be written.',
  EACCES: 'This user may not do that. Change the permissions, or name another place.',
  EPERM: 'This user may not do that. Change the permissions, or name another place.',
  ENOENT: 'There is no such file or folder.',
  ENOTDIR: 'This is a file, and a folder is needed.',
  EISDIR: 'This is a folder, and a file is needed.',
  EMFILE: 'Too many files are open in this process. Raise the limit (ulimit -n).',
  ENFILE: 'Too many files are open on this system.',
  ENOMEM: 'There is not enough memory.',
  EAGAIN: 'The system has no more processes or memory to give. Raise the limit (ulimit -u), or wait.',
  EADDRINUSE: 'The port is in use by another program.',
}
