// Folders of jars, in the cache or where somebody wants one: Maven fills a fresh one, which is checked and then
// renamed, so that a folder is either complete or not there.

import { createHash, randomUUID } from 'node:crypto'
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../errors.ts'
import { makeFolder } from '../../io/folder.ts'
import { daemonJars, type JarSet, whatIsWrong } from './jar-set.ts'
import { copyDependencies } from './maven.ts'
import { isAlive } from './processes.ts'
import { waitForSlot } from './slot.ts'

/** The surroundings of a fetch. */
export interface FetchOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
  /** Is told what takes long. */
  readonly note: (text: string) => void
}

/**
 * The folder of a jar set in the cache, filled by Maven where it is not there yet. Two callers at once do no
 * harm: one waits for the other, and where that cannot be, the first rename wins.
 */
export async function fetchJars(set: JarSet, options: FetchOptions): Promise<string> {
  const folder = cachedFolder(set, options.environment)
  if (folder === undefined) throw noCache(set)
  const slot = await waitForSlot(
    `fetch/${folder}`,
    () => options.note('Another process is fetching jars; waiting for it.'),
    options.signal,
  )
  try {
    if (existsSync(folder) && (await whatIsWrong(set, folder)) === undefined) return folder
    options.note(`Fetching ${set.title} with Maven, once.`)
    await fillFolder(set, folder, (fresh) => fetchInto(fresh, set, folder, options))
    return folder
  } finally {
    slot?.release()
  }
}

/** Puts the daemon's jars into a folder of the caller's choice, which must be new, empty or complete. */
export async function putJars(folder: string, options: FetchOptions): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    const wrong = await whatIsWrong(daemonJars, folder)
    if (wrong === undefined) return
    throw new UsageError(
      `${folder} is not empty, and it is not a folder of our jars: ${wrong} Name a new folder.`,
    )
  }
  const cached = cachedFolder(daemonJars, options.environment)
  if (cached !== undefined && existsSync(cached) && (await whatIsWrong(daemonJars, cached)) === undefined) {
    await fillFolder(daemonJars, folder, async (fresh) => cpSync(cached, fresh, { recursive: true }))
    return
  }
  options.note(`Fetching ${daemonJars.title} with Maven.`)
  await fillFolder(daemonJars, folder, (fresh) => fetchInto(fresh, daemonJars, folder, options))
}

/** The cache folder of a set, or undefined where there is no place for a cache. */
export function cachedFolder(set: JarSet, environment: NodeJS.ProcessEnv): string | undefined {
  const root = cacheRoot(environment)
  if (root === undefined) return undefined
  // Another pom.xml or another list is another folder.
  const version = createHash('sha256')
    .update(readFileSync(set.pom))
    .update(readFileSync(set.sums))
    .digest('hex')
  return join(root, `${set.name}-${version.slice(0, 8)}`)
}

/** Our folder in the user's cache, or undefined where neither XDG_CACHE_HOME nor HOME says where that is. */
export function cacheRoot(environment: NodeJS.ProcessEnv): string | undefined {
  const { XDG_CACHE_HOME, HOME } = environment
  const root = XDG_CACHE_HOME || (HOME ? join(HOME, '.cache') : undefined)
  return root === undefined ? undefined : join(resolve(root), 'kcl-session')
}

/** A name for a folder that is to be renamed to `folder` when it is full; removes what broken fetches left there. */
export function freshFolder(folder: string): string {
  const parent = dirname(folder)
  for (const name of existsSync(parent) ? readdirSync(parent) : []) {
    const [, pid] = /^\.fetching-(\d+)-/.exec(name) ?? []
    const path = join(parent, name)
    // Another container may be at work in the same cache, with processes that are not seen from here.
    if (pid !== undefined && !isAlive(Number(pid)) && Date.now() - statSync(path).mtimeMs > STALE)
      rmSync(path, { recursive: true, force: true })
  }
  return join(parent, `.fetching-${process.pid}-${randomUUID()}`)
}

// All or nothing: what breaks off, on a full disk say, leaves no folder behind that looks like one of jars.
async function fillFolder(
  set: JarSet,
  folder: string,
  fill: (fresh: string) => Promise<void>,
): Promise<void> {
  const fresh = freshFolder(folder)
  try {
    makeFolder(fresh)
  } catch (cause) {
    throw new UsageError(`${dirname(folder)} cannot be written: ${message(cause)}. ${ELSEWHERE}`, { cause })
  }
  try {
    await fill(fresh)
    const wrong = await whatIsWrong(set, fresh)
    if (wrong !== undefined) throw new UsageError(`Other jars than we know have come: ${wrong}`)
    await moveIntoPlace(set, fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

function fetchInto(into: string, set: JarSet, folder: string, options: FetchOptions): Promise<void> {
  const { environment, signal } = options
  return copyDependencies({ pom: fileURLToPath(set.pom), into, cache: dirname(folder), environment, signal })
}

async function moveIntoPlace(set: JarSet, fresh: string, folder: string): Promise<void> {
  if (existsSync(folder)) {
    // Empty, or damaged: in the latter case it is ours, since callers have asked what is in it.
    if (readdirSync(folder).length === 0) rmdirSync(folder)
    else rmSync(folder, { recursive: true, force: true })
  }
  try {
    renameSync(fresh, folder)
  } catch (cause) {
    // Somebody else was first, where no lock could keep us apart.
    if (existsSync(folder) && (await whatIsWrong(set, folder)) === undefined) return
    throw new UsageError(`The jars cannot be put into ${folder}: ${message(cause)}. ${ELSEWHERE}`, { cause })
  }
}

function noCache(set: JarSet): UsageError {
  return new UsageError(
    `There is no place to keep ${set.title}: neither XDG_CACHE_HOME nor HOME is set. ${ELSEWHERE}`,
  )
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

const STALE = 60_000
const ELSEWHERE =
  'Set XDG_CACHE_HOME to a folder that can be written, or fetch the jars ahead: kcl-session jars FOLDER, then --jars=FOLDER.'
