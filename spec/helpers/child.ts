// A fixture as a child process: its lines, its end, and its own end after the test.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export interface Fixture {
  readonly process: ChildProcess
  /** Resolves with the next line of its standard output that was not asked for before. */
  line(): Promise<string>
  readonly exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>
}

/** Starts a compiled fixture; `url` is that of the spec. */
export function startFixture(
  t: TestContext,
  url: string,
  file: string,
  args: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Fixture {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, url)), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  })
  t.after(() => {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${file} ended without a further line`)
      return value as string
    },
    exited: once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
  }
}
