// The daemon's jars: where they are looked for, and what of a folder Java loads.

import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { UsageError } from '../../errors.ts'
import { cachedFolder, type FetchOptions, fetchJars } from './jar-folder.ts'
import { daemonJars, filesOf, whatIsWrong } from './jar-set.ts'

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
export interface SearchOptions extends FetchOptions {
  /** `--jars`. */
  readonly jars?: string | undefined
  /** `--patched-jar`: names of our list that may differ in the folder of `--jars`, or be missing there. */
  readonly patched?: readonly string[] | undefined
}

/** Has Maven fetch the daemon's jars into the cache; throws UsageError where that does not work. */
export async function fetchDaemonJars(options: FetchOptions): Promise<FoundJars> {
  return ours(await fetchJars(daemonJars, options), 'fetched by Maven')
}

/** Finds the daemon's jars without fetching anything; undefined where they are nowhere. */
export async function searchDaemonJars({
  jars,
  patched = [],
  environment,
  note,
}: SearchOptions): Promise<FoundJars | undefined> {
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

const KNOWN_VERSION = '3.1.3'
const INSTALLED = '/opt/kcl-session/jars'
