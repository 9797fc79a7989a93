// A cache of jars in a folder of its own, a set with one jar, and a Maven that "fetches" it.

import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { JarSet } from '../../lib/launcher/machine/jar-set.ts'
import { temporaryFolder } from './command.ts'

/** Fetches one jar, and counts how often it was asked. */
export const MAVEN = `#!/bin/sh
echo x >> "$0.count"
for word; do case "$word" in -DoutputDirectory=*) folder="\${word#*=}";; esac; done
printf content > "$folder/one.jar"
`

export interface JarPlace {
  readonly set: JarSet
  readonly cache: string
  readonly environment: NodeJS.ProcessEnv
  readonly note: () => void
  asked(): number
  /** Folders that are not finished. */
  leftovers(): string[]
}

export function jarPlace(t: TestContext, maven: string = MAVEN): JarPlace {
  const root = temporaryFolder(t)
  const [bin, xdg] = [join(root, 'bin'), join(root, 'cache')]
  const cache = join(xdg, 'kcl-session')
  for (const folder of [bin, cache]) mkdirSync(folder, { recursive: true })
  writeFileSync(join(bin, 'mvn'), maven)
  chmodSync(join(bin, 'mvn'), 0o755)
  writeFileSync(join(root, 'pom.xml'), '<project/>')
  writeFileSync(join(root, 'sums'), `${createHash('sha256').update('content').digest('hex')}  one.jar\n`)
  const set: JarSet = {
    name: 'set',
    pom: pathToFileURL(join(root, 'pom.xml')),
    sums: pathToFileURL(join(root, 'sums')),
    title: 'one jar',
  }
  return {
    set,
    cache,
    environment: { HOME: root, XDG_CACHE_HOME: xdg, PATH: `${bin}:/usr/bin:/bin` },
    note: () => {},
    asked: () => readFileSync(join(bin, 'mvn.count'), 'utf8').split('\n').length - 1,
    leftovers: () => readdirSync(cache).filter((name) => name.startsWith('.')),
  }
}
