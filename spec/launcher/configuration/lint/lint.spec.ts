import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayStart } from '../../../../lib/launcher/configuration/lint/finding.ts'
import { lint } from '../../../../lib/launcher/configuration/lint/lint.ts'
import { parseProperties } from '../../../../lib/launcher/configuration/properties.ts'
import { fromFile, mergeSettings } from '../../../../lib/launcher/configuration/settings.ts'

const COMPLETE = 'executableName=node a.js\napplicationName=app\nstreamName=s\nretrievalMode=POLLING\n'

// A line of a file, the severity it gets, and what the finding must say.
const TRAPS: readonly (readonly [line: string, severity: string, says: RegExp])[] = [
  ['failoverTimeMillis=10_000', 'error', /silently take 0/],
  ['failoverTimeMillis=5000.5', 'error', /silently take 0/],
  ['maxRecords=99999999999', 'error', /too large/],
  ['maxRecords=20000', 'error', /at most 10000/],
  ['maxRecords=1000 # a thousand', 'error', /no comment/],
  ['timeoutInSeconds=abc', 'error', /silently take 0/],
  ['timeoutInSeconds=0', 'error', /halt at the first action/],
  ['timeoutInSeconds=3', 'warning', /halts the whole daemon/],
  ['enablePriorityLeaseAssignment=maybe', 'error', /silently take false/],
  ['enablePriorityLeaseAssignment=true ', 'error', /ends in a blank/],
  ['tableName=leases ', 'error', /ends in a blank/],
  ['tableName=C:\\kcl', 'warning', /backslashes/],
  ['tableName=caf\u00c3\u00a9', 'warning', /ISO-8859-1/],
  ['tableName=', 'error', /empty/],
  ['metricsLevel=LOTS', 'error', /NONE, SUMMARY, DETAILED/],
  ['clientVersionConfig=2X', 'error', /stack trace/],
  ['initialPositionInStream=AT_TIMESTAMP', 'error', /initialPositionInStreamExtended/],
  ['initialPositionInStreamExtended=1700000000000', 'error', /milliseconds.*1700000000\b/],
  ['initialPositionInStreamExtended=1700003600', 'error', /future/],
  ['staleWorkerMetricsEntryCleanupDuration=1d', 'error', /P1D/],
  ['workerMetricsTags=a', 'error', /key=value/],
  ['kinesisEndpoint=localhost:4568', 'error', /http:\/\//],
  ['kinesisEndpoint=not an address', 'error', /not an address/],
  ['kinesisEndpoint=http://localhost:4568', 'warning', /lease tables would be made in AWS/],
  ['regionName=', 'error', /empty/],
  ['regionName=us-east-1\nkinesisClient.region=eu-west-1', 'error', /arbitrary/],
  ['regionName=eu-west-1', 'warning', /AWS_REGION is us-east-1/],
  ['kinesisEndpoint=http://a\nkinesisClient.endpointOverride=http://b', 'error', /arbitrary/],
  ['cleanupLeasesUponShardCompletion=false', 'warning', /no effect/],
  ['failoverTimeMillis=0', 'warning', /not applied.*10000/],
  ['initialLeaseTableReadCapacity=5', 'warning', /no effect.*on demand/],
  ['leaseTableScanTotalSegments=5', 'warning', /no effect/],
  ['dynamoDBRegionName=eu-west-1', 'warning', /dynamoDbClient\.region/],
  ['processingLanguage=nodejs', 'info', /no effect/],
  ['validateSequenceNumberBeforeCheckpointing=true', 'info', /no effect/],
  ['retrievalMode=DEFAULT', 'warning', /fan-out.*billed/],
  ['retrievalMode=DEFAULT\nmaxRecords=10', 'warning', /becomes POLLING because maxRecords/],
  ['retrievalMode=FANOUT\nmaxRecords=10', 'warning', /no effect with retrievalMode FANOUT/],
  ['shutdownGraceMillis=0', 'warning', /middle of a batch/],
  ['shutdownGraceMillis=60000', 'warning', /--stop-timeout=61s/],
  ['maxActiveThreads=4', 'error', /deadlocks/],
  ['maxActiveThreads=20', 'warning', /enough for 6 shards/],
  [
    'AwsCredentialsProvider=DefaultAWSCredentialsProviderChain',
    'info',
    /taken as DefaultCredentialsProvider/,
  ],
  ['AwsCredentialsProvider=DefaultCredentialProvider', 'error', /drop without a word/],
  ['AwsCredentialsProvider=com.amazonaws.auth.Foo', 'error', /drop without a word/],
  ['AwsCredentialsProvider=com.example.Mine|s3cr3t', 'warning', /carries a secret/],
  [
    'AwsCredentialsProvider=StsAssumeRoleCredentialsProvider|arn:aws:iam::123456789012:role/r|s',
    'warning',
    /AwsCredentialsProviderDynamoDB/,
  ],
  ['streamArn=words', 'error', /not the ARN of a stream/],
  ['executableName=sh -c "node a.js"', 'warning', /no shell/],
  ['tableName=ab', 'error', /DynamoDB does not take/],
  ['tableName=a table', 'error', /3 to 255/],
  ['streamName=my words', 'error', /no name of a stream/],
]

test('names every trap, with what the daemon would do and the remedy', () => {
  for (const [line, severity, says] of TRAPS) {
    const findings = lintFile(`${COMPLETE}${line}\n`)
    const texts = findings.map((finding) => `${finding.severity}: ${finding.message} ${finding.remedy}`)
    assert.ok(
      texts.some((text) => text.startsWith(severity) && says.test(text)),
      `${line}\n${texts.join('\n')}`,
    )
    for (const finding of findings) assert.ok(finding.remedy, finding.message)
  }
})

test('says nothing about a complete and healthy configuration', () => {
  const healthy = `${COMPLETE}regionName=us-east-1
AwsCredentialsProvider=DefaultCredentialsProvider
failoverTimeMillis= 5000
enablePriorityLeaseAssignment=on
initialPositionInStream=trim_horizon
maxRecords=500
leaseTablePitrEnabled=false
staleWorkerMetricsEntryCleanupDuration=P1D
workerMetricsTags=a=1,b=2
kinesisClient.endpointOverride=https://kinesis.example.com
shutdownGraceMillis=20000
`
  assert.deepEqual(lintFile(healthy), [])
})

test('names each required key that is missing', () => {
  const errors = lintFile('retrievalMode=POLLING').filter(({ severity }) => severity === 'error')
  assert.deepEqual(
    errors.map(({ key }) => key),
    ['executableName', 'applicationName', 'streamName'],
  )
})

test('warns that only the name in a stream ARN is used, and refuses another region', () => {
  const file = `executableName=node a.js\napplicationName=app\nretrievalMode=POLLING
streamArn=arn:aws:kinesis:us-east-1:123456789012:stream/words\n`
  assert.deepEqual(
    lintFile(file).map(({ severity, key }) => [severity, key]),
    [['warning', 'streamArn']],
  )
  assert.equal(lintFile(`${file}regionName=eu-west-1`)[0]?.severity, 'error')
  assert.match(lintFile(file, { AWS_REGION: 'eu-west-1' })[0]?.message ?? '', /AWS_REGION is eu-west-1/)
})

test('never shows a secret', () => {
  const findings = lintFile(`${COMPLETE}AwsCredentialsProvider=com.example.Mine|AKIAIOSFODNN7EXAMPLE|s3cr3t `)
  assert.ok(findings.length > 0)
  for (const { message } of findings) assert.doesNotMatch(message, /s3cr3t|IOSFODNN7EXAMPLE/)
})

test('lets errors stop the start, and warnings only when asked to be strict', () => {
  const warning = { severity: 'warning', key: 'a', message: 'a' } as const
  assert.equal(mayStart([{ ...warning, severity: 'info' }], true), true)
  assert.equal(mayStart([warning], false), true)
  assert.equal(mayStart([warning], true), false)
  assert.equal(mayStart([{ ...warning, severity: 'error' }], false), false)
})

function lintFile(text: string, environment: Record<string, string> = { AWS_REGION: 'us-east-1' }) {
  const written = fromFile(parseProperties(Buffer.from(text, 'latin1'), 'app.properties'), 'app.properties')
  return lint(mergeSettings(written).settings, { now: 1_700_000_000_000, environment, stopTimeout: 25_000 })
}
