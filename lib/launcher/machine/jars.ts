// The daemon's jars: where they are looked for, how they are fetched, and whether they are the ones we know.
// A folder is either complete or not there: Maven fills a fresh one, which is checked and then renamed.

import { createHash, randomUUID } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../../errors.ts'
import { copyDependencies } from './maven.ts'
import { isAlive } from './processes.ts'
import { waitForSlot } from './slot.ts'

/** A set of jars that Maven can fetch: the daemon's, or those of a local service. */
export interface JarSet {
  /** Part of the folder's name in the cache. */
  readonly name: string
  readonly pom: URL
  /** The list of SHA-256, as `sha256sum` writes it. */
  readonly sums: URL
  /** What people are told is being fetched. */
  readonly title: string
}

/** Where jars were found. */
export interface FoundJars {
  readonly folder: string
  /** What Java loads: the jars of our list and no others that may lie beside them. */
  readonly classPath: readonly string[]
  /** Why they were looked for there: `--jars`, `KCL_SESSION_JARS`, … */
  readonly origin: string
  /** Whether it is our version of the daemon, and so checked against our list. */
  readonly known: boolean
  readonly warnings: readonly string[]
}

/** The surroundings of a search. */
export interface JarOptions {
  /** `--jars`. */
  readonly jars?: string | undefined
  /** `--patched-jar`: names of our list that may differ in the folder of `--jars`, or be missing there. */
  readonly patched?: readonly string[] | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
  /** Is told what takes long. */
  readonly note: (text: string) => void
}

/** The daemon's own jars. */
export const daemonJars: JarSet = {
  name: 'multilang-3.1.3',
  // From dist/lib/launcher/machine, where this runs, to lib/launcher/machine, where the files are; the package ships both.
  pom: new URL('../../../../lib/launcher/machine/pom.xml', import.meta.url),
  sums: new URL('../../../../lib/launcher/machine/jars.sha256', import.meta.url),
  title: "the daemon's jars (133, 75 MB)",
}

/** Has Maven fetch the daemon's jars into the cache; throws UsageError where that does not work. */
export async function fetchDaemonJars(options: JarOptions): Promise<FoundJars> {
  return ours(await fetchJars(daemonJars, options), 'fetched by Maven')
}

/** Finds the daemon's jars without fetching anything; undefined where they are nowhere. */
export async function searchDaemonJars({
  jars,
  patched = [],
  environment,
  note,
}: JarOptions): Promise<FoundJars | undefined> {
  if (jars !== undefined) return inspect(resolve(jars), '--jars', patched)
  const variable = environment.KCL_SESSION_JARS
  if (variable) return inspect(resolve(variable), 'KCL_SESSION_JARS', patched)
  if (existsSync(INSTALLED)) return inspect(INSTALLED, INSTALLED, patched)
  const folder = cachedFolder(daemonJars, environment)
  if (folder === undefined || !existsSync(folder)) return undefined
  const wrong = await whatIsWrong(daemonJars, folder)
  if (wrong === undefined) return ours(folder, 'the cache')
  note(`The jars in ${folder} are damaged: ${wrong}`)
  return undefined
}

/**
 * The folder of a jar set in the cache, filled by Maven where it is not there yet. Two callers at once do no
 * harm: one waits for the other, and where that cannot be, the first rename wins.
 */
export async function fetchJars(set: JarSet, options: JarOptions): Promise<string> {
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
export async function putJars(folder: string, options: JarOptions): Promise<void> {
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

/** The paths of a set's files in a folder: of every one in the list, and of no other. */
export function filesOf(set: JarSet, folder: string): string[] {
  return readSums(set).map(([, name]) => join(folder, name))
}

/**
 * What is wrong with a folder of jars, in a sentence; undefined where every jar is there and is the one we know, but for
 * those that may differ.
 */
export async function whatIsWrong(
  set: JarSet,
  folder: string,
  mayDiffer: readonly string[] = [],
): Promise<string | undefined> {
  const wrong = await Promise.all(
    readSums(set).map(async ([sum, name]) => {
      if (mayDiffer.includes(name)) return undefined
      const bytes = await readFile(join(folder, name)).catch(() => undefined)
      if (bytes === undefined) return `${name} is missing.`
      const actual = createHash('sha256').update(bytes).digest('hex')
      return actual === sum ? undefined : `${name} is not the jar we know (SHA-256 ${actual}).`
    }),
  )
  return wrong.find((problem) => problem !== undefined)
}

async function inspect(folder: string, origin: string, patched: readonly string[]): Promise<FoundJars> {
  const where = origin === folder ? folder : `${folder} (${origin})`
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (cause) {
    throw new UsageError(`There is no folder of jars at ${where}.`, { cause })
  }
  const versions = names.flatMap(
    (name) => /^amazon-kinesis-client-multilang-(.+)\.jar$/.exec(name)?.[1] ?? [],
  )
  if (versions.length === 0) {
    throw new UsageError(
      `${where} has no amazon-kinesis-client-multilang jar. "kcl-session jars FOLDER" makes a complete folder.`,
    )
  }
  if (versions.length > 1)
    throw new UsageError(`${where} has more than one multilang: ${versions.join(' and ')}.`)
  const [version] = versions
  if (version !== KNOWN_VERSION) {
    const warning = `${where} has multilang ${version}; kcl-session knows ${KNOWN_VERSION}, and does not check these jars.`
    const classPath = names.filter((name) => name.endsWith('.jar')).sort()
    return { folder, classPath: inFolder(folder, classPath), origin, known: false, warnings: [warning] }
  }
  const unknown = patched.find((name) => !filesOf(daemonJars, '').includes(name))
  if (unknown !== undefined) {
    throw new UsageError(
      `--patched-jar=${unknown}: there is no such jar in our list. What comes on top of it is given by --classpath.`,
    )
  }
  const wrong = await whatIsWrong(daemonJars, folder, patched)
  if (wrong !== undefined) {
    throw new UsageError(
      `The jars in ${where} are damaged or not ours: ${wrong} A jar that you have replaced on purpose is allowed by --patched-jar=NAME.`,
    )
  }
  return ours(folder, origin, patched)
}

function ours(folder: string, origin: string, patched: readonly string[] = []): FoundJars {
  const names = filesOf(daemonJars, '')
  const classPath = names.filter((name) => !patched.includes(name) || existsSync(join(folder, name)))
  const others = readdirSync(folder).filter((name) => name.endsWith('.jar') && !names.includes(name))
  const warnings = [
    ...patched.map((name) => `${name} in ${folder} is not checked: --patched-jar allows any.`),
    ...(others.length === 0
      ? []
      : [`Not loaded, because our list of jars does not have it: ${others.join(', ')}. --classpath does.`]),
  ]
  return { folder, classPath: inFolder(folder, classPath), origin, known: true, warnings }
}

function inFolder(folder: string, names: readonly string[]): string[] {
  if (folder.includes(delimiter)) {
    throw new UsageError(
      `${folder} has a "${delimiter}" in its path, which Java takes for the end of it. Use another folder.`,
    )
  }
  return names.map((name) => join(folder, name))
}

// All or nothing: what breaks off, on a full disk say, leaves no folder behind that looks like one of jars.
async function fillFolder(
  set: JarSet,
  folder: string,
  fill: (fresh: string) => Promise<void>,
): Promise<void> {
  const fresh = freshFolder(folder)
  try {
    mkdirSync(fresh, { recursive: true })
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

function fetchInto(into: string, set: JarSet, folder: string, options: JarOptions): Promise<void> {
  const { environment, signal } = options
  return copyDependencies({ pom: fileURLToPath(set.pom), into, cache: dirname(folder), environment, signal })
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

function readSums(set: JarSet): [sum: string, name: string][] {
  return readFileSync(set.sums, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => [line.slice(0, 64), line.slice(66)])
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

const STALE = 60_000
const KNOWN_VERSION = '3.1.3'
const INSTALLED = '/opt/kcl-session/jars'
const ELSEWHERE =
  'Set XDG_CACHE_HOME to a folder that can be written, or fetch the jars ahead: kcl-session jars FOLDER, then --jars=FOLDER.'
