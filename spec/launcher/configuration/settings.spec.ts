import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingFlags } from '../../../lib/launcher/configuration/flags.ts'
import { parseProperties } from '../../../lib/launcher/configuration/properties.ts'
import type { Written } from '../../../lib/launcher/configuration/setting.ts'
import {
  fromEnvironment,
  fromFile,
  type Merged,
  mergeSettings,
} from '../../../lib/launcher/configuration/settings.ts'

test('takes flags before variables before the file before defaults', () => {
  const { settings } = merge({
    flags: ['--stream-name=flag'],
    environment: { KCL_STREAM_NAME: 'variable', KCL_APPLICATION_NAME: 'variable' },
    file: 'streamName=file\napplicationName=file\ntableName=file',
    defaults: { tableName: 'default', metricsLevel: 'NONE' },
  })
  assert.deepEqual(values(settings), {
    streamName: 'flag',
    applicationName: 'variable',
    tableName: 'file',
    metricsLevel: 'NONE',
  })
  assert.deepEqual(settings.get('streamName')?.replaces, ['KCL_STREAM_NAME', 'app.properties line 1'])
  assert.equal(settings.get('tableName')?.place, 'app.properties line 3')
})

test('lets a stronger source replace a field under another name', () => {
  const { settings, findings } = merge({
    flags: [
      '--workerIdentifier=w1',
      '--stream-name=words',
      '--initial-position-in-stream-extended=1500000000',
    ],
    file: 'workerId=w2\nstreamArn=arn:aws:kinesis:us-east-1:123456789012:stream/other\ninitialPositionInStream=LATEST',
  })
  assert.deepEqual(values(settings), {
    workerIdentifier: 'w1',
    streamName: 'words',
    initialPositionInStreamExtended: '1500000000',
  })
  assert.deepEqual(findings, [])
})

test('refuses two keys of one field in one source, where the daemon takes an arbitrary one', () => {
  for (const file of [
    'workerId=a\nworkerIdentifier=b',
    'initialPositionInStream=LATEST\ninitialPositionInStreamExtended=1',
  ]) {
    const { findings } = merge({ file })
    assert.deepEqual(
      findings.map(({ severity }) => severity),
      ['error'],
    )
    assert.match(findings[0]?.message ?? '', /line 1.*line 2.*arbitrary/)
  }
})

test('keeps the ARN where a stream is named twice, and refuses it where the names differ', () => {
  const arn = 'streamArn=arn:aws:kinesis:us-east-1:123456789012:stream/words'
  const same = merge({ file: `${arn}\nstreamName=words` })
  assert.deepEqual([...same.settings.keys()], ['streamArn'])
  assert.deepEqual(
    same.findings.map(({ severity }) => severity),
    ['info'],
  )
  assert.deepEqual(
    merge({ file: `streamName=other\n${arn}` }).findings.map(({ severity }) => severity),
    ['error'],
  )
})

test('warns of a key that stands twice in the file; the last one counts, as in Java', () => {
  const { settings, findings } = merge({ file: 'streamName=a\nstreamName=b' })
  assert.equal(settings.get('streamName')?.value, 'b')
  assert.match(findings[0]?.message ?? '', /twice.*line 1.*line 2/)
})

test('refuses unknown keys in the file and in flags, and suggests the nearest', () => {
  const { findings } = merge({ flags: ['--steam-name=a'], file: 'StreamName=b' })
  assert.deepEqual(
    findings.map(({ severity, remedy }) => [severity, remedy]),
    [
      ['error', 'Did you mean --stream-name?'],
      ['error', 'Did you mean streamName?'],
    ],
  )
})

test('only warns of an unknown variable, and ignores ours and those of Kubernetes', () => {
  const { settings, findings } = merge({
    environment: {
      KCL_SERVICE_HOST: '10.0.0.1',
      KCL_PORT: 'tcp://10.0.0.1:80',
      KCL_PORT_80_TCP_ADDR: '10.0.0.1',
      KCL_SESSION_JARS: '/jars',
      KCL_COLOUR: 'red',
      KCL_STREM_NAME: 'words',
      PATH: '/bin',
    },
  })
  assert.equal(settings.size, 0)
  assert.deepEqual(
    findings.map(({ severity, key }) => [severity, key]),
    [
      ['warning', 'COLOUR'],
      ['warning', 'STREM_NAME'],
    ],
  )
  assert.equal(findings[1]?.remedy, 'Did you mean KCL_STREAM_NAME?')
})

test('takes --key=value, --set key=value and nested keys, and explains everything else', () => {
  const flags = settingFlags(
    ['--kinesis-client-region=eu-west-1', '--streamName=a=b'],
    ['fanoutConfig.consumerName=c'],
    [],
  )
  assert.deepEqual(values(mergeSettings(flags).settings), {
    'kinesisClient.region': 'eu-west-1',
    streamName: 'a=b',
    'fanoutConfig.consumerName': 'c',
  })
  assert.throws(() => settingFlags(['words'], [], []), /goes after --/)
  assert.throws(() => settingFlags(['--stream-name'], [], []), /--stream-name=VALUE/)
  assert.throws(() => settingFlags(['--stopTimeout=3'], [], ['stop-timeout']), /spelled --stop-timeout/)
  assert.throws(() => settingFlags(['--colour'], [], []), /neither an option nor a property/)
  assert.throws(() => settingFlags([], ['x'], []), /--set KEY=VALUE/)
})

function merge(sources: {
  flags?: readonly string[]
  environment?: Record<string, string>
  file?: string
  defaults?: Record<string, string>
}): Merged {
  const defaults: Written[] = Object.entries(sources.defaults ?? {}).map(([key, value]) => ({
    key,
    value,
    source: 'default',
    place: 'default',
  }))
  return mergeSettings([
    ...settingFlags(sources.flags ?? [], [], []),
    ...fromEnvironment(sources.environment ?? {}),
    ...fromFile(parseProperties(Buffer.from(sources.file ?? ''), 'app.properties'), 'app.properties'),
    ...defaults,
  ])
}

function values(settings: Merged['settings']): Record<string, string> {
  return Object.fromEntries([...settings].map(([key, { value }]) => [key, value]))
}
