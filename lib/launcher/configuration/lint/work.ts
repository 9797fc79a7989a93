// Rules about the work itself: what is required, how records are read, where it begins, how it stops.
// One rule per trap; it names the key, what the daemon would silently do, and the remedy.

import type { Setting } from '../setting.ts'
import type { Finding, Rule } from './finding.ts'

/** All rules of this file. */
export const workRules = (): readonly Rule[] => [
  required,
  names,
  retrieval,
  position,
  stopping,
  threads,
  timeouts,
]

/** How records will be read; the daemon decides it by whether any polling key is set. */
export function retrievalInEffect(settings: ReadonlyMap<string, Setting>): 'POLLING' | 'FANOUT' {
  const mode = settings.get('retrievalMode')?.value.trim().toUpperCase() ?? 'DEFAULT'
  if (mode === 'POLLING' || mode === 'FANOUT') return mode
  return POLLING_KEYS.some((key) => settings.has(key)) ? 'POLLING' : 'FANOUT'
}

const required: Rule = (settings) => {
  const findings: Finding[] = []
  const demand = (key: string, how: string): void => {
    if (settings.settings.get(key)) return
    findings.push(settings.say('error', key, 'is missing, and the daemon does not start without it.', how))
  }
  demand('executableName', 'Give the consumer after --, as in: -- node consumer.js')
  demand('applicationName', 'Give --application-name=NAME, KCL_APPLICATION_NAME or a line in the file.')
  if (!settings.settings.has('streamArn')) {
    demand('streamName', 'Give --stream-name=NAME, KCL_STREAM_NAME or a line in the file.')
  }
  return findings
}

// The lease table is called after the application, and DynamoDB is not tried before the daemon runs.
const names: Rule = (settings) => {
  const findings: Finding[] = []
  const table = settings.settings.has('tableName') ? 'tableName' : 'applicationName'
  const name = settings.value(table)
  if (name !== undefined && !/^[a-zA-Z0-9_.-]{3,255}$/.test(name)) {
    findings.push(
      settings.say(
        'error',
        table,
        `is ${JSON.stringify(name)}, which DynamoDB does not take for a table's name.`,
        'Use 3 to 255 of the letters a-z, A-Z, 0-9, _, - and .',
      ),
    )
  }
  const stream = settings.value('streamName')
  if (stream !== undefined && !/^[a-zA-Z0-9_.-]{1,128}$/.test(stream)) {
    findings.push(
      settings.say(
        'error',
        'streamName',
        `is ${JSON.stringify(stream)}, which is no name of a stream.`,
        'Use 1 to 128 of the letters a-z, A-Z, 0-9, _, - and .',
      ),
    )
  }
  return findings
}

const retrieval: Rule = (settings) => {
  const mode = settings.value('retrievalMode')?.toUpperCase() ?? 'DEFAULT'
  const polling = POLLING_KEYS.filter((key) => settings.settings.has(key))
  const [key] = polling
  if (mode === 'DEFAULT') {
    return key === undefined
      ? [
          settings.say(
            'warning',
            'retrievalMode',
            'is DEFAULT, which is enhanced fan-out: it is billed per shard and hour.',
            'Set it to POLLING or FANOUT, to say which one is meant.',
          ),
        ]
      : [
          settings.say(
            'warning',
            'retrievalMode',
            `is DEFAULT, which becomes POLLING because ${key} is set.`,
            'Set it to POLLING or FANOUT, to say which one is meant.',
          ),
        ]
  }
  if (mode !== 'FANOUT') return []
  return polling.map((key) =>
    settings.say('warning', key, 'has no effect with retrievalMode FANOUT.', 'Remove it.'),
  )
}

const position: Rule = (settings, { now }) => {
  const seconds = settings.number('initialPositionInStreamExtended')
  if (seconds === undefined || seconds * 1000 <= now) return []
  const text =
    seconds > now / 10
      ? 'is in milliseconds, it seems: taken as seconds it lies far in the future'
      : 'lies in the future'
  return [
    settings.say(
      'error',
      'initialPositionInStreamExtended',
      `${text}, and the daemon would read nothing until then.`,
      `Write epoch seconds, such as ${Math.floor((seconds > now / 10 ? seconds : now) / 1000)}.`,
    ),
  ]
}

const stopping: Rule = (settings, { stopTimeout }) => {
  const grace = settings.number('shutdownGraceMillis')
  const setting = settings.settings.get('shutdownGraceMillis')
  if (grace === undefined || setting === undefined || setting.source === 'default') return []
  if (grace === 0) {
    return [
      settings.say(
        'warning',
        'shutdownGraceMillis',
        'is 0: at a stop the consumers just see the end of their input, in the middle of a batch.',
        'Remove it; kcl-session derives it from --stop-timeout.',
      ),
    ]
  }
  if (grace <= stopTimeout) return []
  return [
    settings.say(
      'warning',
      'shutdownGraceMillis',
      `is ${grace}, but everything is stopped after ${stopTimeout} ms.`,
      `Give --stop-timeout=${Math.ceil(grace / 1000) + 1}s, and see that the platform waits as long.`,
    ),
  ]
}

const threads: Rule = (settings) => {
  const count = settings.number('maxActiveThreads')
  if (count === undefined || count <= 0) return []
  return [
    settings.say(
      count < 5 ? 'error' : 'warning',
      'maxActiveThreads',
      count < 5
        ? `is ${count}: scheduler and shards share that pool, and it deadlocks without a word.`
        : `is ${count}, enough for ${Math.floor((count - 2) / 3)} shards; with more it deadlocks without a word.`,
      'Remove it: without it there are as many threads as needed.',
    ),
  ]
}

const timeouts: Rule = (settings) => {
  const timeout = settings.number('timeoutInSeconds')
  if (timeout === undefined || timeout <= 0 || timeout >= 10) return []
  return [
    settings.say(
      'warning',
      'timeoutInSeconds',
      `is ${timeout}: a consumer that takes longer for one action halts the whole daemon, without a drain.`,
      'Give it more than the slowest batch can take.',
    ),
  ]
}

const POLLING_KEYS = [
  'maxRecords',
  'idleTimeBetweenReadsInMillis',
  'retryGetRecordsInSeconds',
  'maxGetRecordsThreadPool',
  'millisBehindLatestThresholdForReducedTps',
]
