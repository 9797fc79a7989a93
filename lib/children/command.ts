// What is known about a consumer's command before it is started: whether it can be, which descriptors it will
// speak on, and the text that /bin/sh is given to start it. Shared by the embedded daemon and the launcher.
// Rule: nothing here starts a process.

import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { basename, delimiter, join, resolve } from 'node:path'
import { UsageError } from '../errors.ts'

/** Where the protocol travels: descriptors 3 and 4, out of everybody's way, or stdin and stdout. */
export type ConsumerProtocol = 'fds' | 'stdio'

/** The surroundings of a command; by default those of this process. */
export interface CommandPlace {
  readonly cwd?: string | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
}

/**
 * The protocol for a command: the one asked for, else descriptors where the command is Node itself, and stdin
 * and stdout for everything else, since Node closes inherited descriptors in what it spawns (npx, tsx, `--watch`).
 * Throws `UsageError` when descriptors are asked for where there is no /bin/sh.
 */
export function protocolFor(words: readonly string[], asked?: ConsumerProtocol): ConsumerProtocol {
  if (asked === 'fds' && !hasShell()) {
    throw new UsageError(
      '--protocol=fds needs /bin/sh, which this system does not have. Use --protocol=stdio.',
    )
  }
  return asked ?? (isNode(words) && !isWatched(words) && hasShell() ? 'fds' : 'stdio')
}

/**
 * What to say where a consumer ended before it acknowledged initialize, or does not answer: one that knows nothing of our
 * descriptors finds an empty standard input and ends in peace, or waits without a word. One that crashed, or has something
 * to say, has other troubles, and so has one of ours. `code` is undefined where it has not ended, or nobody knows how.
 */
export function protocolHint(
  protocol: ConsumerProtocol,
  code: number | null | undefined,
  words: readonly string[],
): string | undefined {
  const isLikely = code === 0 || (code === undefined && words.length === 0)
  const isOurs = words.some((line) => line.startsWith('kcl-session: '))
  return protocol === 'fds' && isLikely && !isOurs ? FDS_HINT : undefined
}

/**
 * Throws `UsageError` when the command cannot be started: nothing there, not executable, too long, or, where it is
 * `node SCRIPT`, no such script.
 */
export function checkCommand(words: readonly string[], place: CommandPlace = {}): void {
  const [program, script] = words
  if (program === undefined || program === '') {
    throw new UsageError('There is no command. Give it after "--", for instance: -- node consumer.js')
  }
  const cwd = place.cwd ?? process.cwd()
  if (isPath(program)) checkProgram(program, resolve(cwd, program))
  else if (!isOnPath(program, cwd, place.env ?? process.env)) {
    throw new UsageError(`Cannot start "${program}": no such program on the PATH.`)
  }
  if (process.platform === 'linux' && Buffer.byteLength(shellScript(words, 'fds')) >= LONGEST_WORD) {
    throw new UsageError(TOO_LONG)
  }
  if (!isNode(words) || script === undefined || script.startsWith('-')) return
  if (!SCRIPT_ENDINGS.some((ending) => existsSync(resolve(cwd, script + ending)))) {
    throw new UsageError(`Cannot start "${words.join(' ')}": there is no ${resolve(cwd, script)}.`)
  }
}

/**
 * The text for `/bin/sh -c`: it becomes the consumer (same pid), with the protocol on descriptors 3 and 4 and
 * standard output joined to standard error, or, for `stdio`, with the pipes as they are.
 */
export function shellScript(words: readonly string[], protocol: ConsumerProtocol): string {
  // Whoever stops a whole group of processes, as systemd does, must not end consumers before they have drained.
  // Node takes its signals back when it starts, and a session ignores them by itself.
  const deaf = isNode(words) ? '' : "trap '' TERM INT HUP; "
  const command = `${deaf}exec ${words.map(shellQuote).join(' ')}`
  if (protocol === 'stdio') return command
  return `export KCL_SESSION_FDS=3,4 KCL_SESSION_PID=$$; exec 3<&0 4>&1 </dev/null 1>&2; ${command}`
}

/** One word, as sh must see it to hand it on unchanged. */
export function shellQuote(word: string): string {
  if (word.includes('\0')) throw new UsageError('A word of a command cannot contain a NUL character.')
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Whether this system has a /bin/sh that can move descriptors before the consumer starts. */
export function hasShell(): boolean {
  return process.platform !== 'win32' && existsSync('/bin/sh')
}

function isNode(words: readonly string[]): boolean {
  return NODE.test(basename(words[0] ?? ''))
}

// `node --watch` starts the script in a child of its own.
function isWatched(words: readonly string[]): boolean {
  for (const word of words.slice(1)) {
    if (!word.startsWith('-')) return false
    if (word.startsWith('--watch')) return true
  }
  return false
}

function isPath(program: string): boolean {
  return program.includes('/') || (process.platform === 'win32' && program.includes('\\'))
}

function checkProgram(program: string, file: string): void {
  const found = endings().map((ending) => file + ending)
  const existing = found.find((candidate) => existsSync(candidate))
  if (existing === undefined) throw new UsageError(`Cannot start "${program}": there is no ${file}.`)
  if (isProgram(existing)) return
  throw new UsageError(
    statSync(existing).isDirectory()
      ? `Cannot start "${program}": it is a folder.`
      : `Cannot start "${program}": it is not executable (chmod +x ${program}).`,
  )
}

function isOnPath(program: string, cwd: string, env: NodeJS.ProcessEnv): boolean {
  const folders = (env.PATH ?? env.Path ?? DEFAULT_PATH).split(delimiter)
  return folders.some((folder) =>
    endings().some((ending) => isProgram(resolve(cwd, join(folder === '' ? '.' : folder, program + ending)))),
  )
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function endings(): readonly string[] {
  return process.platform === 'win32' ? ['', '.exe', '.com', '.cmd', '.bat'] : ['']
}

const FDS_HINT =
  'The protocol is on descriptors 3 and 4, because the command is node. A consumer that speaks on stdin and stdout, as those of other clients do, needs --protocol=stdio.'
/** What to say where a command is too long for the system. */
export const TOO_LONG =
  'The command is longer than this system takes for one program. Hand large arguments over in a file, or in a variable of their own.'
// Linux takes no word of 128 KiB, and the whole command is one for sh.
const LONGEST_WORD = 128 * 1024
const NODE = /^(node|nodejs)(\.exe)?$/i
const PLAIN_WORD = /^[\w@%+=:,./-]+$/
const SCRIPT_ENDINGS = ['', '.js', '.json', '.node']
// What execvp falls back to.
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'
