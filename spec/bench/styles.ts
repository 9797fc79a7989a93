// Who is measured: the floor, the library in each of its styles, and the other clients.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ConsumerProtocol } from '../../lib/children/command.ts'

/** A consumer of the benchmark. */
export interface Style {
  readonly name: string
  readonly command: readonly string[]
  /** Where it speaks; on stdin and stdout, if it does not say. */
  readonly protocol?: ConsumerProtocol
  readonly environment?: Readonly<Record<string, string>>
}

/** The floor, which all others are measured against. */
export const FLOOR: Style = node('floor', 'floor')

/** Our own styles and the official client for Node. */
export const STYLES: readonly Style[] = [
  FLOOR,
  ours('batch.records', 'records'),
  ours('for of', 'for-of'),
  ours('for await', 'for-await'),
  ours('forEach', 'for-each'),
  ours('forEach × 64', 'for-each-side-by-side'),
  node('aws-kcl', 'aws-kcl'),
]

/** The steps of our start, from the floor on: each has what those before it have. */
export function startSteps(): readonly Style[] {
  const source = readFileSync(join(ROOT, 'dist/bundle/index.js'), 'utf8')
  const builtIns = [...source.matchAll(/ = process\.getBuiltinModule\("(.+)"\);$/gm)].map(
    ([, name = '']) => name,
  )
  return [
    FLOOR,
    node('+ built-in modules', 'with-built-ins', ...new Set(builtIns)),
    node('+ the library', 'with-library'),
    ours('+ an open session', 'records'),
  ]
}

/** All shards in one process; it takes part where there are many. */
export const ONE_PROCESS: Style = node('eachShard, one process', 'each-shard')

/** The clients for Python, in an environment of their own; none where there is no Python, or they cannot be had. */
export function pythonStyles(tell: (text: string) => void): readonly Style[] {
  try {
    preparePython()
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split('\n')
    tell(`Without amazon_kclpy and kclpy: ${why}`)
    return []
  }
  const python = (name: string): Style => ({
    name,
    command: [join(PYTHON, 'bin/python'), join(SOURCES, `${name}_consumer.py`)],
    environment: { PYTHONPATH: OFFICIAL, PYTHONDONTWRITEBYTECODE: '1' },
  })
  return [python('amazon_kclpy'), python('kclpy')]
}

function node(name: string, file: string, ...args: string[]): Style {
  return { name, command: [process.execPath, join(import.meta.dirname, `consumers/${file}.js`), ...args] }
}

// With the protocol where `kcl-session run` has it.
function ours(name: string, file: string): Style {
  return { ...node(name, file), protocol: 'fds' }
}

function preparePython(): void {
  if (existsSync(READY)) return
  rmSync(PYTHON, { recursive: true, force: true })
  const run = (command: string, ...args: string[]): void => {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
  run('python3', '-m', 'venv', PYTHON)
  const pip = join(PYTHON, 'bin/pip')
  run(pip, 'install', '--quiet', 'kclpy==0.2.0')
  // Its installation would fetch the jars of the daemon, which nobody needs here: the package alone will do.
  run(pip, 'download', '--quiet', '--no-deps', '--no-binary=:all:', `--dest=${PYTHON}`, 'amazon_kclpy==3.2.0')
  const archive = readdirSync(PYTHON).find((file) => file.endsWith('.tar.gz')) ?? ''
  run('tar', '-xzf', join(PYTHON, archive), '-C', PYTHON)
  run(join(PYTHON, 'bin/python'), '-m', 'compileall', '-q', OFFICIAL)
}

const ROOT = join(import.meta.dirname, '../../..')
const SOURCES = join(ROOT, 'spec/bench/consumers')
const PYTHON = join(ROOT, 'node_modules/.cache/kcl-session-bench')
const OFFICIAL = join(PYTHON, 'amazon_kclpy-3.2.0')
const READY = join(OFFICIAL, 'amazon_kclpy/__pycache__')
