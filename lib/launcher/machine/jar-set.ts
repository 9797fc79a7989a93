// A set of jars and the list that it is held to: what is loaded, and what may be loaded, is what the list names.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

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

/** The daemon's own jars. */
export const daemonJars: JarSet = {
  name: 'multilang-3.1.3',
  // From dist/lib/launcher/machine, where this runs, to lib/launcher/machine, where the files are; the package ships both.
  pom: new URL('../../../../lib/launcher/machine/pom.xml', import.meta.url),
  sums: new URL('../../../../lib/launcher/machine/jars.sha256', import.meta.url),
  title: "the daemon's jars (133, 75 MB)",
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

function readSums(set: JarSet): [sum: string, name: string][] {
  return readFileSync(set.sums, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => [line.slice(0, 64), line.slice(66)])
}
