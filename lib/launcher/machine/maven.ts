// Maven fetches the jars: mirrors, proxies, credentials and checksums stay its job. The plugin's version is
// pinned, so that without a network the message is about the network.

import { join } from 'node:path'
import { UsageError } from '../../errors.ts'
import { makeFolder } from '../../io/folder.ts'
import { runProgram } from './programs.ts'

/** What to fetch, and where to. */
export interface CopyRequest {
  /** A pom.xml whose dependencies are copied. */
  readonly pom: string
  /** An empty folder. */
  readonly into: string
  /** Where Maven may keep its repository when there is no home folder. */
  readonly cache: string
  readonly environment: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
}

/** Copies the jars of a pom.xml; throws UsageError where there is no Maven, no network, or anything else fails. */
export async function copyDependencies(request: CopyRequest): Promise<void> {
  const { environment, signal } = request
  const words = [
    '-q',
    '-B',
    '-Dstyle.color=never',
    '-f',
    request.pom,
    GOAL,
    `-DoutputDirectory=${request.into}`,
  ]
  words.push('-DincludeScope=runtime', ...repositoryWithoutHome(request))
  const result = await runProgram('mvn', words, { env: environment, ...(signal && { signal }) })
  if (result === undefined) {
    throw new UsageError(
      'The jars are not here yet, and there is no Maven (mvn on the PATH) to fetch them. Install Maven; or run "kcl-session jars FOLDER" on a machine that has it, and give that folder with --jars.',
    )
  }
  if (result.code !== 0) throw new UsageError(whyFailed(stripColours(result.stdout + result.stderr)))
}

/** Maven's version line, or undefined where there is none. */
export async function mavenVersion(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const result = await runProgram('mvn', ['-B', '-Dstyle.color=never', '--version'], { env: environment })
  if (result?.code !== 0) return undefined
  return /^.*Maven.*$/m.exec(stripColours(result.stdout))?.[0] ?? 'of an unknown version'
}

/** The cause in Maven's output, in one sentence. */
export function whyFailed(output: string): string {
  const lines = output.split('\n').filter((line) => line.startsWith('[ERROR]'))
  const first = (lines[0] ?? output.trim().split('\n')[0] ?? '').replace(/^\[ERROR\]\s*/, '').trim()
  const said = first.replace(/ -> \[Help \d+\]$/, '').slice(0, 600)
  if (/JAVA_HOME/.test(output)) return `Maven found no Java of its own: ${said}`
  if (NO_NETWORK.test(output)) {
    return `Maven could not reach its repository to fetch the jars. See that this machine has a network, or that Maven's settings.xml names your proxy or mirror. Maven said: ${said}`
  }
  if (/No space left/i.test(output)) return `There is no space left for the jars. Maven said: ${said}`
  return `Maven could not fetch the jars. It said: ${said}`
}

// Debian's mvn prints colour codes whatever it is told.
function stripColours(text: string): string {
  return text.replace(/\x1b\[[0-9;]*m/g, '')
}

// Without a home folder Maven would make one called "?" in the working directory.
function repositoryWithoutHome({ environment, cache }: CopyRequest): string[] {
  if (environment.HOME) return []
  const repository = join(cache, 'maven')
  makeFolder(repository)
  return [`-Dmaven.repo.local=${repository}`]
}

const GOAL = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const NO_NETWORK =
  /Unknown host|UnknownHost|Network is unreachable|Connection refused|Connect(ion)? (to \S+ .*)?timed out|No route to host|Temporary failure in name resolution|offline mode|transfer (failed|artifact)|Connection reset/i
