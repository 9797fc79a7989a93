// What a start of the daemon is made from: Java, its jars, the properties, and how consumers are to be started.

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ConsumerProtocol, protocolFor } from '../children/command.ts'
import { whyNotShared } from '../children/host-process.ts'
import { UsageError } from '../errors.ts'
import type { Configuration } from './configuration/configuration.ts'
import { daemonEnvironment, isLocal } from './configuration/daemon-environment.ts'
import { daemonProperties } from './configuration/daemon-properties.ts'
import type { LaunchOptions } from './launch-options.ts'
import { fetchDaemonJars, searchDaemonJars } from './machine/jars.ts'
import { findJava } from './machine/java.ts'
import { type DaemonStart, daemonStart } from './supervision/script.ts'

/**
 * Whether one process serves all shards; where that cannot be, the reason is told: a process for each does as much, at a
 * price. Throws UsageError for options that exclude each other.
 */
export async function isShared({
  configuration,
  shared,
  protocol,
  reporter,
}: LaunchOptions): Promise<boolean> {
  if (!shared) return false
  if (protocol === 'stdio') {
    throw new UsageError(
      '--shared and --protocol=stdio exclude each other: with --shared each shard brings its own pipes.',
    )
  }
  const problem = await whyNotShared(configuration.command)
  if (problem !== null)
    reporter.tell('warn', `Each shard has a process of its own, in spite of --shared: ${problem}.`)
  return problem === null
}

/** Finds or fetches what Java needs, and makes the text that starts it. */
export async function prepare(
  options: LaunchOptions,
  workerIdentifier: string,
  shared: boolean,
): Promise<DaemonStart> {
  const { configuration, environment, reporter, signals } = options
  const { signal } = signals
  const note = (text: string): void => reporter.tell('info', text)
  const { classPath } = options
  if (classPath.length > 0)
    note(`Loaded in front of the daemon's jars (--classpath): ${classPath.join(', ')}.`)
  const places = { jars: options.jars, patched: options.patchedJars, environment, signal, note }
  const [java, found] = await Promise.all([
    findJava(environment, undefined, signal),
    searchDaemonJars(places),
  ])
  const jars = found ?? (await fetchDaemonJars(places))
  options.worker.identify({ kcl: daemonVersion(jars.folder) })
  for (const warning of jars.warnings) reporter.tell('warn', warning)
  return daemonStart({
    java: java.program,
    classPath: [...classPath, ...jars.classPath],
    ownLogback: options.logback,
    logback: fileURLToPath(LOGBACK),
    javaOptions: [...ownJavaOptions(java.version, configuration), ...options.javaOptions],
    rootLevel: options.logLevel === 'debug' ? 'DEBUG' : options.logLevel === 'trace' ? 'TRACE' : 'INFO',
    properties: daemonProperties(configuration.settings, { workerIdentifier, at: performance.timeOrigin }),
    command: configuration.command,
    protocol: chooseProtocol(options),
    shared,
    environment: daemonEnvironment(configuration, environment),
    stopTimeout: options.stopTimeout,
  })
}

// Node closes inherited descriptors in what it spawns: behind these programs 3 and 4 are something else.
function chooseProtocol({ configuration: { command }, protocol, reporter }: LaunchOptions): ConsumerProtocol {
  const chosen = protocolFor(command, protocol)
  const [program = ''] = command
  if (chosen === 'stdio' && protocol === undefined && NODE_STARTERS.test(program)) {
    reporter.tell(
      'info',
      `${program} starts Node as a child of its own, so the protocol stays on stdin and stdout. "node --import tsx consumer.ts" would put it out of reach of stray output.`,
    )
  }
  return chosen
}

function ownJavaOptions(version: number, configuration: Configuration): string[] {
  // From Java 24 on, Netty's way to memory is worth a warning of four lines at every start.
  const silence = version >= 23 ? ['--sun-misc-unsafe-memory-access=allow'] : []
  return isLocal(configuration) ? [...silence, ...QUICK_START] : silence
}

// Jars of one's own may be of another version than those that we fetch.
function daemonVersion(folder: string): string | null {
  const versions = readdirSync(folder).map((file) => MULTILANG_JAR.exec(file)?.[1])
  return versions.find((version) => version !== undefined) ?? null
}

const MULTILANG_JAR = /^amazon-kinesis-client-multilang-(.+)\.jar$/
const LOGBACK = new URL('../../../lib/launcher/supervision/logback.xml', import.meta.url)
// A second sooner at work, at the price of throughput; where somebody plays or tests, that is a good price.
const QUICK_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const NODE_STARTERS = /^(npx|npm|pnpm|pnpx|yarn|bunx|tsx|ts-node|nodemon|node)$/
