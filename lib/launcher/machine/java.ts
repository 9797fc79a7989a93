// Finds Java and asks for its version: JAVA_HOME first, then the PATH, as every tool does.

import { join } from 'node:path'
import { UsageError } from '../../errors.ts'
import { runProgram } from './programs.ts'

/** A Java that can run the daemon. */
export interface Java {
  /** The program, by its path or, from the PATH, by its name. */
  readonly program: string
  /** The major version: 8, 11, 17, 21. */
  readonly version: number
}

/** Finds a Java of at least `oldest`; throws UsageError where there is none, or only an older one. */
export async function findJava(
  environment: NodeJS.ProcessEnv,
  oldest: number = OLDEST_JAVA,
  signal?: AbortSignal,
): Promise<Java> {
  const home = environment.JAVA_HOME
  const program = home ? join(home, 'bin', 'java') : 'java'
  const result = await runProgram(program, ['-version'], { env: environment, ...(signal && { signal }) })
  if (result === undefined) {
    throw new UsageError(
      home
        ? `JAVA_HOME is ${home}, but there is no bin/java in it. Correct it, or unset it to use the PATH.`
        : `There is no Java: JAVA_HOME is not set and the PATH has no java. ${INSTALL_JAVA}`,
    )
  }
  const version = majorVersion(result.stderr + result.stdout)
  if (result.code !== 0 || version === undefined) {
    throw new UsageError(
      `"${program} -version" failed: ${firstLine(result.stderr + result.stdout) ?? `exit code ${result.code}`}`,
    )
  }
  if (version < oldest) {
    throw new UsageError(
      `Java ${oldest} or later is needed, but ${program} is Java ${version}. ${INSTALL_JAVA}`,
    )
  }
  return { program, version }
}

/** The major version in what `java -version` prints, wherever it stands: `1.8.0` means 8. */
export function majorVersion(text: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(text) ?? []
  if (first === undefined) return undefined
  return Number(first) === 1 && second !== undefined ? Number(second) : Number(first)
}

function firstLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('Picked up '))
}

// The classes of multilang 3.1.3 are of format 52.
const OLDEST_JAVA = 8
const INSTALL_JAVA = 'Install a Java runtime, such as openjdk-17-jre-headless, or set JAVA_HOME.'
