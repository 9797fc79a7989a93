// The launcher as a user starts it, with a stand-in for Java.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../../lib/launcher/machine/processes.ts'
import { type Running, start, temporaryFolder } from './command.ts'

/** What goes wrong, and what is run. */
export interface Story {
  readonly story?: string
  readonly command: readonly string[]
  readonly flags?: readonly string[]
  readonly env?: Record<string, string>
}

/** The real launcher on a folder with a stand-in for Java, under an application name of its own. */
export function launch(
  t: TestContext,
  { story = '', command, flags = [], env = {} }: Story,
): Running & { folder: string } {
  const folder = temporaryFolder(t)
  const [home, jars] = [join(folder, 'java home'), join(folder, 'jars')]
  mkdirSync(join(home, 'bin'), { recursive: true })
  mkdirSync(jars)
  writeFileSync(join(jars, 'amazon-kinesis-client-multilang-9.jar'), '')
  writeFileSync(join(home, 'bin', 'java'), `#!/bin/sh\nexec '${process.execPath}' '${FAKE}' "$@"\n`)
  chmodSync(join(home, 'bin', 'java'), 0o755)
  const config = join(folder, 'app.properties')
  writeFileSync(
    config,
    `streamName=words\napplicationName=spec-${process.pid}-${folder.slice(-6)}\nretrievalMode=POLLING\n`,
  )
  if (flags.some((flag) => flag.startsWith('--worker-identifier'))) {
    writeFileSync(config, readFileSync(config, 'utf8').replace(/-[^-\n]*\n/, '\n'))
  }
  const { PATH, NODE_V8_COVERAGE } = process.env
  const words = [
    'run',
    '--no-preflight',
    '--region-name=us-east-1',
    `--config=${config}`,
    `--jars=${jars}`,
    ...flags,
    '--',
    ...command,
  ]
  const running = start(t, words, {
    cwd: folder,
    env: { PATH, ...(NODE_V8_COVERAGE && { NODE_V8_COVERAGE }), JAVA_HOME: home, FAKE_STORY: story, ...env },
  })
  return { ...running, folder }
}

/** Which of the consumers that were announced are still there. */
export function alive(stderr: string): number[] {
  return [...stderr.matchAll(/consumer (\d+) started/g)].map(([, pid]) => Number(pid)).filter(isAlive)
}

/** Resolves when they all have gone. */
export async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(50)
}

const FAKE = fileURLToPath(new URL('../fixtures/fake-java.js', import.meta.url))
