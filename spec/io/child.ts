// Runs a fixture as a child process: on stdin and stdout, or on descriptors 3 and 4 as a launcher starts it.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export interface ChildOptions {
  /** Arguments of the fixture. */
  readonly args?: string[]
  /** Moves the protocol to descriptors 3 and 4; what is said on them is still our end of stdin and stdout. */
  readonly descriptors?: boolean
  /** Everything the child reads; without it the input stays open. */
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  /** The program that runs the fixture, and what comes before its name; Node without it. */
  readonly runtime?: readonly string[]
}

export interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Starts the fixture; it is killed at the end of the test if it still runs. */
export function startChild(
  t: TestContext,
  fixture: string,
  { args = [], descriptors = false, input, env = {}, runtime = [process.execPath] }: ChildOptions = {},
): { child: ChildProcessWithoutNullStreams; ended: Promise<Outcome> } {
  const command = [...runtime, fileURLToPath(new URL(`fixtures/${fixture}.js`, import.meta.url)), ...args]
  const {
    KCL_SESSION_FDS: _fds,
    KCL_SESSION_PID: _pid,
    KCL_SESSION_LOG_LEVEL: _level,
    ...inherited
  } = process.env
  const options = { env: { ...inherited, ...env } }
  const child = descriptors
    ? spawn('/bin/sh', ['-c', MOVE, 'sh', ...command], options)
    : spawn(command[0] ?? '', command.slice(1), options)
  t.after(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  if (input !== undefined) child.stdin.end(input)
  const outcome = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    outcome.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    outcome.stderr += text
  })
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ ...outcome, code, signal }))
  })
  return { child, ended }
}

/** Runs the fixture to its end. */
export function runChild(t: TestContext, fixture: string, options: ChildOptions = {}): Promise<Outcome> {
  return startChild(t, fixture, options).ended
}

const MOVE = 'exec 3<&0 4>&1 </dev/null 1>&2; export KCL_SESSION_FDS=3,4 KCL_SESSION_PID=$$; exec "$@"'
