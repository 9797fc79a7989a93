// The text that starts the daemon, without any file: sh reads the properties from its input and hands them to
// Java as a here-document on /dev/stdin; the consumer's command travels in the environment, and survives the
// daemon's split on spaces as one `eval`. Pure: nothing here starts a process.

import { type ConsumerProtocol, shellQuote, shellScript } from '../../children/command.ts'
import { shimText } from '../../children/host-process.ts'
import type { OwnEnvironment } from '../configuration/daemon-environment.ts'
import { formatProperties } from '../configuration/properties.ts'
import { announce, type Marks, markOption, newMarks } from './marks.ts'

/** Everything the text is made from. */
export interface DaemonPlan {
  /** The java program. */
  readonly java: string
  /** What Java loads, in this order. */
  readonly classPath: readonly string[]
  /** The logback file. */
  readonly logback: string
  /** One of the user's own, which ours includes. */
  readonly ownLogback?: string | undefined
  /** Words of `--java-opt`; they come last, so that they win. */
  readonly javaOptions: readonly string[]
  /** INFO unless more is to be seen. */
  readonly rootLevel: 'INFO' | 'DEBUG' | 'TRACE'
  /** The daemon's properties, but for executableName. */
  readonly properties: Iterable<readonly [key: string, value: string]>
  readonly command: readonly string[]
  readonly protocol: ConsumerProtocol
  /** One process serves all shards: the daemon's children wait at its gate. */
  readonly shared: boolean
  readonly environment: OwnEnvironment
  /** What the daemon may take to end when the launcher has died, in milliseconds. */
  readonly stopTimeout: number
}

/** How to start the daemon: `/bin/sh -c script`, with these additions to the environment and this input. */
export interface DaemonStart {
  readonly script: string
  readonly environment: Readonly<Record<string, string>>
  /** Where consumers speak. */
  readonly protocol: ConsumerProtocol
  /** Whether one process serves all shards; its place comes with the environment. */
  readonly shared: boolean
  /** The java command, word by word. */
  readonly words: readonly string[]
  /** For descriptor 0. */
  readonly input: string
  /** What tells the daemon's own lines from those of consumers. */
  readonly marks: Marks
}

/**
 * Makes the text. Descriptor 3 is the launcher's: one line on it means an orderly end, its end alone means that
 * the launcher died, and the daemon is stopped.
 */
export function daemonStart(plan: DaemonPlan): DaemonStart {
  const marks = newMarks()
  const words = javaWords(plan, marks)
  const grace = Math.ceil(plan.stopTimeout / 1000)
  const script = [
    // Without </dev/null and >/dev/null the watcher would hold the daemon's pipes open after it has gone.
    `{ trap '' TERM INT HUP; if read _ <&3; then exit; fi; kill -TERM $$; ${waitFor(grace)}; ${plan.shared ? `kill -KILL -$${HOST_GROUP}; ` : ''}kill -KILL -$$; } </dev/null >/dev/null 2>&1 &`,
    'properties=$(cat)',
    'exec 3<&-',
    `java() { exec ${words.map(shellQuote).join(' ')}; }`,
    PIPED,
    'java <<PROPERTIES\n$properties\nPROPERTIES',
  ].join('\n')
  return {
    script,
    protocol: plan.protocol,
    shared: plan.shared,
    words,
    environment: { ...plan.environment.own, [COMMAND]: consumerText(plan, marks) },
    input: formatProperties([...plan.properties, ['executableName', EXECUTABLE]]),
    marks,
  }
}

// Until the daemon has gone, but no longer than this; then the whole group goes, the watcher with it.
function waitFor(seconds: number): string {
  return `n=0; while [ $n -lt ${seconds} ] && kill -0 $$; do n=$((n+1)); sleep 1; done`
}

// A heap of a quarter leaves room for the consumers; without perf data nothing is written to a temp folder.
function javaWords(plan: DaemonPlan, marks: Marks): string[] {
  return [
    plan.java,
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    '-XX:MaxRAMPercentage=25',
    markOption(marks),
    `-Dkcl.session.level=${plan.rootLevel}`,
    ...(plan.rootLevel === 'INFO' ? [] : ['-Dkcl.session.noisy=DEBUG']),
    ...(plan.ownLogback === undefined ? [] : [`-Dkcl.session.logback=${plan.ownLogback}`]),
    ...UTF_8,
    ...plan.javaOptions,
    '-cp',
    plan.classPath.join(':'),
    'software.amazon.kinesis.multilang.MultiLangDaemon',
    '-l',
    plan.logback,
    '-p',
    '/dev/stdin',
  ]
}

// The consumer keeps the pid of this sh: the `exec` at the end of the text sees to that.
function consumerText({ command, protocol, shared, environment }: DaemonPlan, marks: Marks): string {
  if (shared) return shimText(`"$${GATE}"`, announce(marks))
  const restored = Object.entries(environment.restored).map(([name, value]) =>
    value === undefined ? `unset ${name}` : `export ${name}=${shellQuote(value)}`,
  )
  return [announce(marks), `unset ${COMMAND}`, ...restored, shellScript(command, protocol)].join('; ')
}

// The first is for files and pipes; from Java 18 on the console has its own, which follow the locale.
const UTF_8 = ['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-Dstderr.encoding=UTF-8']
// Java is to read the properties from a pipe: some shells write what stands behind << to a file, and there may be no
// place for one. A process that only waits has the pipe's end as its input, and says so by its pid; from there we take
// it, and send that process home. Where there is no /proc, << has to do.
const PIPED = [
  'if [ -r /proc/self/stat ]; then',
  `reader=$(printf '%s\\n' "$properties" | { read -r pid rest </proc/self/stat; echo "$pid"; exec sleep 60 >/dev/null 2>&1; } &)`,
  'exec </proc/$reader/fd/0',
  'kill $reader',
  'java',
  'fi',
].join('\n')
/** The variables by which a daemon's children find the process that serves all shards. */
export const GATE = 'KCL_SESSION_GATE'
export const HOST_GROUP = 'KCL_SESSION_HOST_GROUP'
const COMMAND = 'KCL_SESSION_COMMAND'
// Split on spaces by the daemon, this is three words; sh makes two of the last one.
const EXECUTABLE = `/bin/sh -c eval\${IFS}"$${COMMAND}"`
