// Runs the command line as a user would: as a child, with its output kept.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A test, or whatever else has an end after which nothing of it may be left. */
export interface Scope {
  after(undo: () => void): void
}

/** A running command; ended, if need be, after the test. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves with the match as soon as standard error has it. */
  seen(pattern: RegExp): Promise<RegExpExecArray>
}

export interface Place {
  readonly stdin?: 'pipe'
  readonly cwd?: string
  /** The whole environment; by default that of this process. */
  readonly env?: NodeJS.ProcessEnv
}

export function start(t: Scope, args: readonly string[], options: Place = {}): Running {
  return startProgram(t, [process.execPath, MAIN, ...args], options)
}

/** The same for any program. */
export function startProgram(t: Scope, words: readonly string[], options: Place = {}): Running {
  const [program = '', ...args] = words
  const child = spawn(program, args, {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: options.env ?? process.env,
  })
  t.after(() => child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const look of watchers) look()
  })
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  const seen = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(stderr)
        if (match === null) return
        watchers.delete(look)
        resolve(match)
      }
      watchers.add(look)
      look()
      void ended.then(() => reject(new Error(`${pattern} was not seen in:\n${stderr}`)))
    })
  return { child, ended, seen }
}

/** Sends a signal again and again, as a person does: one that comes within a second of the first does not count. */
export function insist(running: Running, signal: NodeJS.Signals): void {
  const timer = setInterval(() => running.child.kill(signal), 300)
  void running.ended.then(() => clearInterval(timer))
}

/** Runs a command to its end, with this text on standard input. */
export function run(t: Scope, args: readonly string[], stdin?: string): Promise<Ended> {
  const running = start(t, args, stdin === undefined ? {} : { stdin: 'pipe' })
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(stdin)
  return running.ended
}

export function temporaryFolder(t: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcl-session-spec-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The command line as it was built. */
export const MAIN: string = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url))
