// `run`, from the settings to the exit code: what can be checked is checked before the daemon starts; signals
// are taken from the first moment on; then one supervised run, or, with --restart, one after another.

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type ConsumerProtocol,
  checkCommand,
  hasShell,
  protocolFor,
  shellQuote,
} from '../children/command.ts'
import { HostProcess, whyNotShared } from '../children/host-process.ts'
import type { Worker } from '../children/worker.ts'
import { UsageError } from '../errors.ts'
import { systemClock } from '../time.ts'
import { clientFor } from './configuration/clients.ts'
import type { Configuration } from './configuration/configuration.ts'
import { daemonEnvironment, isLocal } from './configuration/daemon-environment.ts'
import { type Finding, mayStart } from './configuration/lint/finding.ts'
import { maskText, maskValue } from './configuration/masking.ts'
import { REAPING } from './machine/doctor.ts'
import { firstWorkerIdentifier, type Identity, takeIdentity } from './machine/identity.ts'
import { fetchDaemonJars, searchDaemonJars } from './machine/jars.ts'
import { findJava } from './machine/java.ts'
import type { StopSignals } from './machine/signals.ts'
import { preflight } from './preflight/preflight.ts'
import { streamNameOf } from './preflight/stream.ts'
import { LeaderLock } from './supervision/leader-lock.ts'
import type { LogLevel, Reporter } from './supervision/reporter.ts'
import { type DaemonStart, daemonStart, GATE, HOST_GROUP } from './supervision/script.ts'
import { type Outcome, Supervision } from './supervision/supervision.ts'

/** What `run` was told. Times are milliseconds. */
export interface LaunchOptions {
  readonly configuration: Configuration
  readonly strict: boolean
  /** Whether AWS is asked about the stream and the lease table first. */
  readonly preflight: boolean
  readonly jars?: string | undefined
  readonly patchedJars?: readonly string[] | undefined
  /** What Java loads in front of the daemon's jars. */
  readonly classPath: readonly string[]
  /** A logback file that ours includes. */
  readonly logback?: string | undefined
  /** Prints how the daemon would be started, and starts nothing. */
  readonly dryRun?: boolean | undefined
  readonly protocol?: ConsumerProtocol | undefined
  readonly javaOptions: readonly string[]
  readonly logLevel: LogLevel
  readonly stopTimeout: number
  readonly startTimeout: number
  readonly restart: boolean
  /** Whether one process is to serve all shards, where that can be. */
  readonly shared?: boolean | undefined
  readonly environment: NodeJS.ProcessEnv
  readonly reporter: Reporter
  readonly signals: StopSignals
  /** Is told what is seen of the consumers and of the daemon. */
  readonly worker: Worker
  /** What consumers need in their environment to report. */
  readonly reports: Readonly<Record<string, string>>
  readonly exitOnStuck: boolean
}

/** Runs the daemon until it is stopped or fails; resolves to the exit code. Throws UsageError before it starts. */
export async function launch(options: LaunchOptions): Promise<number> {
  const { configuration, reporter, signals } = options
  tellFindings(configuration.findings, reporter, 'warning')
  if (!mayStart(configuration.findings, options.strict)) return 2
  refuseImpossible(configuration)
  if (process.pid === 1) reporter.tell('warn', `${REAPING}.`)
  if (options.dryRun) return await dryRun(options)
  if (options.preflight && !(await passesPreflight(options))) return 2
  const identity = await takeIdentity({
    application: setting(configuration, 'applicationName'),
    stream: streamNameOf(configuration.settings) ?? '',
    explicit: configuration.settings.get('workerIdentifier')?.value,
    note: (text) => reporter.tell('info', text),
    signal: signals.signal,
  })
  try {
    const shared = await isShared(options)
    const start = await prepare(options, identity.workerIdentifier, shared)
    tellStart(options, identity)
    return await superviseUntilStopped(options, start, identity)
  } finally {
    identity.release()
  }
}

// A signal ends the asking at once.
async function passesPreflight(options: LaunchOptions): Promise<boolean> {
  const { configuration, reporter, signals, environment, strict } = options
  const stopped = new Promise<never>((_, reject) => {
    signals.signal.addEventListener('abort', () => reject(signals.signal.reason), { once: true })
  })
  const findings = await Promise.race([preflight(configuration.settings, environment), stopped])
  tellFindings(findings, reporter, 'info')
  return mayStart(findings, strict)
}

function tellFindings(findings: readonly Finding[], reporter: Reporter, least: 'warning' | 'info'): void {
  for (const { severity, message, remedy } of findings) {
    if (severity === 'info' && least === 'warning') continue
    const importance = severity === 'warning' ? 'warn' : severity
    reporter.tell(importance, remedy === undefined ? message : `${message} ${remedy}`)
  }
}

function refuseImpossible({ command }: Configuration): void {
  if (process.platform === 'win32') {
    throw new UsageError(
      'run is for Linux and macOS. On Windows use WSL, or try the consumer with kcl-session dev.',
    )
  }
  if (!hasShell()) throw new UsageError('run needs /bin/sh, which this system does not have.')
  checkCommand(command)
}

async function dryRun(options: LaunchOptions): Promise<number> {
  const { settings } = options.configuration
  const name = settings.get('workerIdentifier')?.value ?? firstWorkerIdentifier() ?? '(random)'
  const { words, input } = await prepare(options, name, await isShared(options))
  const properties = input.split('\n').map((line) => {
    const at = line.indexOf('=')
    return `  ${line.slice(0, at + 1)}${maskValue(line.slice(0, at), line.slice(at + 1))}`
  })
  const command = maskText(words.map(shellQuote).join(' '))
  process.stdout.write(
    `${command}\n\nwith these properties on its standard input:\n${properties.join('\n').trimEnd()}\n`,
  )
  return 0
}

// A process for each shard does whatever one for all does, at a price: no reason not to start.
async function isShared({ configuration, shared, protocol, reporter }: LaunchOptions): Promise<boolean> {
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

async function prepare(
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
  const properties = new Map([...configuration.settings].map(([key, { value }]) => [key, value]))
  properties.set('workerIdentifier', workerIdentifier)
  properties.delete('executableName')
  return daemonStart({
    java: java.program,
    classPath: [...classPath, ...jars.classPath],
    ownLogback: options.logback,
    logback: fileURLToPath(LOGBACK),
    javaOptions: [...ownJavaOptions(java.version, configuration), ...options.javaOptions],
    rootLevel: options.logLevel === 'debug' ? 'DEBUG' : options.logLevel === 'trace' ? 'TRACE' : 'INFO',
    properties,
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

async function superviseUntilStopped(
  options: LaunchOptions,
  start: DaemonStart,
  identity: Identity,
): Promise<number> {
  const { configuration, reporter, signals, stopTimeout, startTimeout, environment } = options
  const context = {
    streamName:
      configuration.settings.get('streamName')?.value ?? configuration.settings.get('streamArn')?.value ?? '',
    applicationName: setting(configuration, 'applicationName'),
    region:
      configuration.settings.get('regionName')?.value ??
      environment.AWS_REGION ??
      'the region of the credentials',
  }
  const { worker } = options
  worker.identify({ worker: identity.workerIdentifier })
  // Neither is on the wire; metrics are labelled with them.
  const names = { KCL_SESSION_STREAM: context.streamName, KCL_SESSION_APPLICATION: context.applicationName }
  const lock = leaderLock(options, identity)
  await lock.beforeStart()
  for (let failures = 0; ; failures++) {
    signals.throwIfStopped()
    const startedAt = systemClock.now()
    const consumers = { ...environment, ...options.reports, ...names }
    let supervision: Supervision | undefined
    const host = start.shared
      ? await HostProcess.start({
          words: configuration.command,
          environment: consumers,
          gated: true,
          onLine: (line, shardId) => supervision?.hostLine(line, shardId),
        })
      : undefined
    const place = host && { [GATE]: host.gate, [HOST_GROUP]: String(host.pid) }
    supervision = new Supervision({
      start,
      host,
      environment: { ...consumers, ...place },
      lock: identity.descriptor,
      context,
      onGivingUp: () => void lock.afterGivingUp(),
      reporter,
      clock: systemClock,
      stopTimeout,
      startTimeout,
      worker,
      exitOnStuck: options.exitOnStuck,
    })
    worker.counts.daemonStarts += 1
    const running = supervision
    const outcome = await signals.during(running, () => running.run())
    lock.forget()
    if (outcome.kind === 'failed' || !outcome.clean) await lock.afterCrash()
    if (outcome.kind === 'stopped') return exitCode(outcome, options)
    if (!options.restart || signals.stopped) return 1
    if (systemClock.now() - startedAt > HEALTHY) failures = 0
    worker.phase = 'restarting'
    const delay = Math.min(FIRST_DELAY * 2 ** failures, LONGEST_DELAY)
    reporter.tell('warn', `Starting the daemon again in ${delay / 1000} s.`)
    await signals.pause(delay)
  }
}

function leaderLock({ configuration, environment, reporter }: LaunchOptions, identity: Identity): LeaderLock {
  const { settings } = configuration
  return new LeaderLock({
    dynamoDB: clientFor('dynamodb', settings, environment),
    table:
      settings.get('coordinatorStateTableName')?.value ??
      `${setting(configuration, 'applicationName')}-CoordinatorState`,
    workerIdentifier: identity.workerIdentifier,
    reporter,
    clock: systemClock,
  })
}

function exitCode(outcome: Outcome & { kind: 'stopped' }, { signals, reporter }: LaunchOptions): number {
  if (!outcome.clean) {
    reporter.tell(
      'warn',
      'Stopped, but not every consumer was done; what it had in hand will be delivered again.',
    )
    return 1
  }
  reporter.tell('info', 'Stopped; every consumer was done.')
  return signals.stopped === 'SIGINT' ? 130 : 0
}

function tellStart({ configuration, reporter }: LaunchOptions, { workerIdentifier }: Identity): void {
  const stream = configuration.settings.get('streamArn')?.value ?? setting(configuration, 'streamName')
  const application = setting(configuration, 'applicationName')
  reporter.tell('info', `Starting ${application} on the stream ${stream} as worker ${workerIdentifier}`, {
    applicationName: application,
    workerIdentifier,
  })
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

function setting({ settings }: Configuration, key: string): string {
  return settings.get(key)?.value ?? ''
}

const MULTILANG_JAR = /^amazon-kinesis-client-multilang-(.+)\.jar$/
const LOGBACK = new URL('../../../lib/launcher/supervision/logback.xml', import.meta.url)
// A second sooner at work, at the price of throughput; where somebody plays or tests, that is a good price.
const QUICK_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
const NODE_STARTERS = /^(npx|npm|pnpm|pnpx|yarn|bunx|tsx|ts-node|nodemon|node)$/
const FIRST_DELAY = 1000
const LONGEST_DELAY = 60_000
// After so long at work, the next failure is a new story.
const HEALTHY = 300_000
