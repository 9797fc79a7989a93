// `run`, from the settings to the exit code: what can be checked is checked before the daemon starts; signals
// are taken from the first moment on; then one supervised run, or, with --restart, one after another.

import { checkCommand, hasShell, shellQuote } from '../children/command.ts'
import { UsageError } from '../errors.ts'
import { systemClock } from '../time.ts'
import { clientFor } from './configuration/clients.ts'
import type { Configuration } from './configuration/configuration.ts'
import { type Finding, mayStart } from './configuration/lint/finding.ts'
import { maskText, maskValue } from './configuration/masking.ts'
import type { LaunchOptions } from './launch-options.ts'
import { REAPING } from './machine/doctor.ts'
import { firstWorkerIdentifier, type Identity, takeIdentity } from './machine/identity.ts'
import { preflight } from './preflight/preflight.ts'
import { streamNameOf } from './preflight/stream.ts'
import { isShared, prepare } from './prepare.ts'
import { LeaderLock } from './supervision/leader-lock.ts'
import type { Reporter } from './supervision/reporter.ts'
import type { DaemonStart } from './supervision/script.ts'
import { SharedHost } from './supervision/shared-host.ts'
import { type Outcome, Supervision } from './supervision/supervision.ts'

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
    const host = start.shared ? await startHost(options, consumers) : undefined
    const supervision = new Supervision({
      start,
      host,
      environment: { ...consumers, ...host?.place },
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
    const outcome = await signals.during(supervision, () => supervision.run())
    lock.forget()
    if (outcome.kind === 'failed' || !outcome.clean) await lock.afterCrash()
    if (outcome.kind === 'stopped') return exitCode(outcome, options)
    if (!options.restart || signals.stopped) return 1
    if (systemClock.now() - startedAt > HEALTHY) failures = 0
    worker.phase = 'restarting'
    const delay = Math.min(FIRST_DELAY * 2 ** failures, LONGEST_DELAY)
    reporter.tell('warn', `Starting the daemon again in ${delay / 1000} s.`, { event: 'restarting', delay })
    await signals.pause(delay)
  }
}

function startHost(
  { configuration, reporter, worker }: LaunchOptions,
  environment: NodeJS.ProcessEnv,
): Promise<SharedHost> {
  return SharedHost.start({ words: configuration.command, environment, reporter, worker, clock: systemClock })
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
      { event: 'stopped', clean: false },
    )
    return 1
  }
  reporter.tell('info', 'Stopped; every consumer was done.', { event: 'stopped', clean: true })
  return signals.stopped === 'SIGINT' ? 130 : 0
}

function tellStart({ configuration, reporter }: LaunchOptions, { workerIdentifier }: Identity): void {
  const stream = configuration.settings.get('streamArn')?.value ?? setting(configuration, 'streamName')
  const application = setting(configuration, 'applicationName')
  reporter.tell('info', `Starting ${application} on the stream ${stream} as worker ${workerIdentifier}`, {
    event: 'starting',
    applicationName: application,
    workerIdentifier,
  })
}

function setting({ settings }: Configuration, key: string): string {
  return settings.get(key)?.value ?? ''
}

const FIRST_DELAY = 1000
const LONGEST_DELAY = 60_000
// After so long at work, the next failure is a new story.
const HEALTHY = 300_000
