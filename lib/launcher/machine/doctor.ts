// What this machine has of what `run` needs: one line each, with the remedy where something is missing.
// Nothing is fetched and nothing is changed.

import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasShell } from '../../children/command.ts'
import { whyNoGate } from '../../children/host-process.ts'
import { UsageError } from '../../errors.ts'
import { cachedFolder, cacheRoot } from './jar-folder.ts'
import { daemonJars } from './jar-set.ts'
import { type SearchOptions, searchDaemonJars } from './jars.ts'
import { findJava } from './java.ts'
import { mavenVersion } from './maven.ts'
import { holdSlot } from './slot.ts'

/** One thing that was looked at. */
export interface Check {
  readonly name: string
  /** 'missing' means that `run` cannot work; 'note' that it works with less. */
  readonly state: 'ok' | 'note' | 'missing'
  readonly text: string
}

/** Looks at everything, in the order in which `run` would need it. */
export async function examine(options: SearchOptions): Promise<Check[]> {
  const maven = await mavenVersion(options.environment)
  return [
    { name: 'Node', state: 'ok', text: `${process.version}, ${process.platform} ${process.arch}` },
    shell(),
    await java(options),
    await jars(options, maven !== undefined),
    maven === undefined
      ? { name: 'Maven', state: 'note', text: 'none on the PATH; only needed to fetch jars' }
      : { name: 'Maven', state: 'ok', text: maven },
    cache(options),
    await identity(),
    reaping(),
    await shared(),
  ]
}

/** The checks as lines for a terminal. */
export function formatChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks.map(({ name, state, text }) => `${MARKS[state]} ${name.padEnd(width)}  ${text}`).join('\n')
}

function shell(): Check {
  if (process.platform === 'win32') {
    return {
      name: 'Shell',
      state: 'missing',
      text: 'run is for Linux and macOS; use WSL here, or kcl-session dev',
    }
  }
  if (hasShell()) return { name: 'Shell', state: 'ok', text: '/bin/sh' }
  return { name: 'Shell', state: 'missing', text: 'no /bin/sh, which starts the daemon and the consumers' }
}

async function java({ environment }: SearchOptions): Promise<Check> {
  try {
    const { program, version } = await findJava(environment)
    return { name: 'Java', state: 'ok', text: `${version} (${program})` }
  } catch (error) {
    return { name: 'Java', state: 'missing', text: said(error) }
  }
}

async function jars(options: SearchOptions, hasMaven: boolean): Promise<Check> {
  const name = 'Jars'
  try {
    const found = await searchDaemonJars(options)
    if (found !== undefined) {
      const checked = found.known ? 'multilang 3.1.3, every SHA-256 as expected' : found.warnings.join(' ')
      return {
        name,
        state: found.known ? 'ok' : 'note',
        text: `${found.folder} (${found.origin}): ${checked}`,
      }
    }
  } catch (error) {
    return { name, state: 'missing', text: said(error) }
  }
  if (!hasMaven) {
    const text = 'not here, and there is no Maven to fetch them; install it, or give --jars=FOLDER'
    return { name, state: 'missing', text }
  }
  const root = cacheRoot(options.environment)
  if (root === undefined || !isWritable(root)) {
    const text =
      'not here, and there is no place to keep them: see Cache; set XDG_CACHE_HOME, or give --jars=FOLDER'
    return { name, state: 'missing', text }
  }
  return { name, state: 'note', text: 'not fetched yet; the first run does it, or kcl-session jars' }
}

function cache({ environment }: SearchOptions): Check {
  const name = 'Cache'
  const root = cacheRoot(environment)
  if (root === undefined) {
    return {
      name,
      state: 'note',
      text: 'none: neither XDG_CACHE_HOME nor HOME is set; jars must come from --jars',
    }
  }
  if (!isWritable(root)) {
    return {
      name,
      state: 'note',
      text: `${root} cannot be written; jars must be there already, or come from --jars`,
    }
  }
  return { name, state: 'ok', text: cachedFolder(daemonJars, environment) ?? root }
}

async function identity(): Promise<Check> {
  const slot = await holdSlot(`doctor/${process.pid}`)
  if (typeof slot === 'object') slot.release()
  return typeof slot === 'object'
    ? { name: 'Identity', state: 'ok', text: 'stable across restarts on this machine' }
    : {
        name: 'Identity',
        state: 'note',
        text: 'random per launcher; give --worker-identifier where it must be stable',
      }
}

function reaping(): Check {
  return process.pid === 1
    ? { name: 'PID 1', state: 'note', text: REAPING }
    : { name: 'PID 1', state: 'ok', text: 'another process; orphans are reaped' }
}

async function shared(): Promise<Check> {
  const problem = await whyNoGate()
  const name = 'Shared'
  return problem === null
    ? { name, state: 'ok', text: 'one process can serve all shards (run --shared)' }
    : { name, state: 'note', text: `run --shared starts a process for each shard all the same: ${problem}` }
}

function isWritable(folder: string): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if (!existsSync(path) && dirname(path) !== path) continue
    try {
      accessSync(path, constants.W_OK)
      return statSync(path).isDirectory()
    } catch {
      return false
    }
  }
}

function said(error: unknown): string {
  if (error instanceof UsageError) return error.message
  throw error
}

/** What to tell somebody who runs us as the first process of a container. */
export const REAPING =
  'kcl-session is the first process here, and Node cannot reap orphans; start the container with docker run --init, or initProcessEnabled on ECS'
const MARKS: Readonly<Record<Check['state'], string>> = { ok: 'ok     ', note: 'note   ', missing: 'missing' }
