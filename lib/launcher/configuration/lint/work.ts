// Rules about the work itself: what is required, how records are read, where it begins, how it stops.
// One rule per trap; it names the key, what the daemon would silently do, and the remedy.

import type { Setting } from '../setting.ts'
import type { Finding, Rule } from './finding.ts'

/** All rules of this file. */
export const workRules = (): readonly Rule[] => [
  required,
  names,
  latest,
  migration,
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

// The tables are called after the application, and DynamoDB is not tried before the daemon runs.
const names: Rule = (settings) => {
  const findings: Finding[] = []
  const application = settings.value('applicationName')
  const wrong = (key: string, message: string, remedy: string): void => {
    findings.push(settings.say('error', key, message, remedy))
  }
  for (const [key, suffix] of TABLES) {
    const own = settings.value(key)
    const name = own ?? (application === undefined ? undefined : `${application}${suffix}`)
    // The application's name alone is looked at even where no table has it: metrics and workers do.
    if (name === undefined || name === '' || TABLE_NAME.test(name)) continue
    const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 57)}…` : name)
    if (own !== undefined)
      wrong(key, `is ${shown}, which DynamoDB does not take for a table's name.`, TABLE_LETTERS)
    else if (name.length > MOST_TABLE && /^[\w.-]+$/.test(name)) {
      const over = name.length - MOST_TABLE
      wrong(
        'applicationName',
        `is too long: the table ${shown} would have ${name.length} letters, ${over} too many.`,
        `Use at most ${MOST_TABLE - 18}, or give a ${key}.`,
      )
    } else
      wrong(
        'applicationName',
        `is ${JSON.stringify(application)}, which DynamoDB does not take for a table's name.`,
        TABLE_LETTERS,
      )
    break
  }
  if (application !== undefined && /\s/.test(application) && findings.length === 0) {
    wrong('applicationName', `is ${JSON.stringify(application)}, and may hold no blank.`, TABLE_LETTERS)
  }
  const consumer = settings.value('fanoutConfig.consumerName') ?? application
  if (
    settings.value('retrievalMode')?.toUpperCase() === 'FANOUT' &&
    consumer &&
    !STREAM_NAME.test(consumer) &&
    findings.length === 0
  ) {
    const key = settings.settings.has('fanoutConfig.consumerName')
      ? 'fanoutConfig.consumerName'
      : 'applicationName'
    wrong(
      key,
      `is ${JSON.stringify(consumer)}, which Kinesis does not take for a consumer's name.`,
      STREAM_LETTERS,
    )
  }
  const stream = settings.value('streamName')
  if (stream?.startsWith('arn:')) {
    wrong('streamName', `is an ARN: ${stream}.`, 'Give it as streamArn, or the name alone.')
  } else if (stream !== undefined && !STREAM_NAME.test(stream)) {
    wrong('streamName', `is ${JSON.stringify(stream)}, which is no name of a stream.`, STREAM_LETTERS)
  }
  return findings
}

// Until a position is stored, a shard begins anew where a launcher happens to start; the daemons of one launcher all
// begin at the time of its start.
const latest: Rule = (settings) =>
  settings.value('initialPositionInStream')?.toUpperCase() === 'LATEST'
    ? [
        settings.say(
          'info',
          'initialPositionInStream',
          'is LATEST, which run takes for the time of its start: as long as no position of a shard is stored, it begins there, after a crash too. A run that is started anew has another time, and what came in between is lost.',
          'Use --restart, TRIM_HORIZON, or initialPositionInStreamExtended with the time of the first start.',
        ),
      ]
    : []

// What only workers of KCL 3.x do, and not before the last one of 2.x has gone.
const migration: Rule = (settings) => {
  const mode = settings.value('clientVersionConfig')?.toUpperCase()
  if (mode !== 'CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X') return []
  const idle = ONLY_3X.filter((key) => settings.settings.has(key))
  return [
    settings.say(
      'info',
      'clientVersionConfig',
      `lets workers of KCL 2.x run beside this one${idle.length > 0 ? `, and until they have gone ${idle.join(', ')} ${idle.length > 1 ? 'have' : 'has'} no effect` : ''}.`,
      'Once every worker runs 3.x, and has for a while, remove it: only then are leases dealt out by load.',
    ),
  ]
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
const TABLES = [
  ['tableName', ''],
  ['coordinatorStateTableName', '-CoordinatorState'],
  ['workerMetricsTableName', '-WorkerMetricStats'],
] as const
const MOST_TABLE = 255
const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,255}$/
const STREAM_NAME = /^[a-zA-Z0-9_.-]{1,128}$/
const TABLE_LETTERS = 'Use 3 to 255 of the letters a-z, A-Z, 0-9, _, - and .'
const STREAM_LETTERS = 'Use 1 to 128 of the letters a-z, A-Z, 0-9, _, - and .'
const ONLY_3X = [
  'workerMetricsReporterFreqInMillis',
  'inMemoryWorkerMetricsCaptureFrequencyMillis',
  'noOfPersistedMetricsPerWorkerMetrics',
  'disableWorkerMetrics',
  'maxThroughputPerHostKBps',
  'dampeningPercentage',
  'reBalanceThresholdPercentage',
  'allowThroughputOvershoot',
  'varianceBalancingFrequency',
  'workerMetricsEMAAlpha',
  'isGracefulLeaseHandoffEnabled',
  'gracefulLeaseHandoffTimeoutMillis',
]
