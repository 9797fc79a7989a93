// The reference, generated: every page from the tables and the help that the code itself goes by.

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { JSON_EVENTS } from '../../lib/cli/json-events.ts'
import { FINDINGS, type FindingKind } from '../../lib/daemon/conversation/findings.ts'
import { FAULT_TIMES, FAULTS } from '../../lib/daemon/faults/faults.ts'
import { metricsText } from '../../lib/http/metrics.ts'
import { reference as properties } from '../../lib/launcher/configuration/report.ts'
import { RUN_EVENTS, RUN_LINE } from '../../lib/launcher/supervision/run-events.ts'
import { CHECKPOINT_LAG, CONSUMED, LAG, OPERATION, PROCESS } from '../../lib/report/instruments.ts'
import { TestWorker } from '../helpers/worker.ts'
import { logEventsOf } from './messages.ts'
import { messagesPage } from './messages-page.ts'
import { code, frontMatter, table } from './pages.ts'
import { REMEDIES } from './remedies.ts'

/** Writes the pages of the reference, and the one that leads to them. */
export function writeReference(root: string, folder: string): void {
  const pages: readonly Page[] = [
    ['command-line', 'Command line', 'every command and option', commandLine(root)],
    ['configuration', 'Configuration', 'every property of the daemon', `${CONFIGURATION}\n\n${properties()}`],
    ['metrics', 'Metrics', 'what a worker and a session measure', metrics()],
    ['log-events', 'Log events', 'what the session logs', logEvents(root)],
    ['run-events', 'Events of run', 'what run --json says, line by line', runEvents()],
    [
      'dev',
      'Faults, findings and events of dev',
      'what goes wrong on demand, what is found, and --json',
      dev(),
    ],
    ['messages', 'Messages', 'every error and finding, word for word', messagesPage(root)],
  ]
  mkdirSync(folder, { recursive: true })
  for (const [name, title, , text] of pages)
    writeFileSync(join(folder, `${name}.md`), `${frontMatter(title)}# ${title}\n\n${text}\n`)
  const rows = pages.map(([name, title, about]) => [`[${title}](${name}.md)`, about])
  const children = pages.map(([name]) => `${name}.md`)
  writeFileSync(
    join(folder, 'README.md'),
    `${frontMatter('Reference', children)}# Reference\n\n${GENERATED}\n\n${table(['page', 'what it has'], rows)}\n`,
  )
}

type Page = readonly [name: string, title: string, about: string, text: string]

function commandLine(root: string): string {
  const help = (...args: string[]): string =>
    execFileSync(process.execPath, [join(root, 'dist/lib/cli/main.js'), ...args, '--help'], {
      encoding: 'utf8',
    })
  const whole = help()
  const commands = [...whole.matchAll(/^ {2}(\w+) /gm)].map(([, name = '']) => name)
  const sections = commands.map((name) => `## ${name}\n\n${block(help(name))}`)
  return [block(whole), ...sections].join('\n\n')
}

function metrics(): string {
  const worker = new TestWorker()
  worker.report('shardId-0', {
    action: 'processRecords',
    lagMs: 1,
    checkpointLagMs: 1,
    behindMs: 0,
    storedMs: 1,
  })
  worker.worker.daemonSpoke()
  const text = metricsText(worker.worker.view())
  const families = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)\n((?:[^#].*\n)*)/gm)]
  const rows = families.map(([, name = '', help = '', type = '', samples = '']) => {
    const labels = new Set([...samples.matchAll(/[{,](\w+)="/g)].map(([, label = '']) => label))
    return [code(name), type, [...labels].map(code).join(', '), help]
  })
  const own = [CONSUMED, PROCESS, OPERATION, LAG, CHECKPOINT_LAG].map(({ name, description, more }) => [
    code(name),
    more.map(code).join(', '),
    description,
  ])
  return [
    `## Of a worker: /metrics of run --http and dev --http`,
    table(['metric', 'type', 'labels', 'what it is'], rows),
    `## Of a session: kcl-session/metrics`,
    'By the names of OpenTelemetry; for Prometheus with underscores, and durations and lags in seconds. All have `messaging.system`, `messaging.destination.name` and `messaging.consumer.group.name`, too.',
    table(['metric', 'attributes', 'what it is'], own),
  ].join('\n\n')
}

function logEvents(root: string): string {
  const rows = logEventsOf(root).map(({ level, message, details }) => [
    level,
    code(message),
    details.map(code).join(', '),
  ])
  return `Every event has \`shardId\` besides. A \`…\` stands for what differs.\n\n${table(['level', 'message', 'details'], rows)}`
}

function dev(): string {
  const faults = Object.values(FAULTS).map(({ written, about }) => [code(written), about])
  const findings = KINDS.map((kind) => {
    const { consequence, daemon } = FINDINGS[kind]
    return [code(kind), CONSEQUENCES[consequence], daemon, REMEDIES[kind]]
  })
  return [
    `## Faults\n\nWritten \`NAME[=VALUE][:WHEN][/SHARD]\`, as in \`--fault refuse=ThrottlingException:0.1\`.`,
    table(['fault', 'what happens'], faults),
    FAULT_TIMES.replaceAll('\n', ' '),
    `## Findings\n\nWhat a consumer does wrong, and what the real daemon does about it.`,
    table(['kind', 'consequence', 'what the daemon does', 'what to do'], findings),
    `## Events of dev --json\n\nOne JSON object a line on standard output, each with its \`event\`.`,
    eventTable(JSON_EVENTS),
  ].join('\n\n')
}

function runEvents(): string {
  const fields = Object.entries(RUN_LINE).map(([field, what]) => [code(field), what])
  return [
    'With `--json`, `run` prints one JSON object a line, on standard error. A line of a consumer that is an object itself goes through as it is, so that its own fields stay.',
    '## Every line',
    table(['field', 'what it is'], fields),
    '## Events\n\nA line of the launcher that tells an event has its name as `event`, and these fields besides.',
    eventTable(RUN_EVENTS),
  ].join('\n\n')
}

function eventTable(
  events: Readonly<
    Record<string, { readonly about: string; readonly fields: Readonly<Record<string, string>> }>
  >,
): string {
  const rows = Object.entries(events).map(([event, { about, fields }]) => [
    code(event),
    about,
    Object.entries(fields)
      .map(([field, what]) => `${code(field)}: ${what}`)
      .join('; '),
  ])
  return table(['event', 'when', 'fields'], rows)
}

function block(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``
}

const KINDS = Object.keys(FINDINGS) as FindingKind[]
const CONSEQUENCES = {
  skip: 'a remark',
  refuse: 'the checkpoint is refused',
  hang: 'waits for ever',
  exit: 'the worker exits',
  wrong: 'goes on with a wrong idea',
} as const
const GENERATED = 'All of it is made from the code, and of the version that you read about.'
const CONFIGURATION =
  'The properties of the MultiLangDaemon, as `kcl-session check --explain all` prints them. Flags and variables are named after them: `streamName` is `--stream-name` and `KCL_STREAM_NAME`.'
