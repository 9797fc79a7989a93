// Runs a program to its end and keeps what it printed: for the short ones, Java's version and Maven.

import { type SpawnOptions, spawn } from 'node:child_process'

/** What a program printed and how it ended. */
export interface ProgramResult {
  /** The exit code; null after a signal. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program without input; undefined where there is no such program. Rejects when `signal` aborts. */
export function runProgram(
  program: string,
  words: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env' | 'signal'> = {},
): Promise<ProgramResult | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES' || error.code === 'ENOTDIR') resolve(undefined)
      else reject(error)
    })
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
