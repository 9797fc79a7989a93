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
  ['timeoutInSeconds=0', 'error', /at least 1/],
  ['failoverTimeMillis=77', 'error', /at least 78/],
  ['leaseAssignmentIntervalMillis=3000000000', 'error', /at most 2147483647/],
  ['maxLeaseRenewalThreads=1', 'error', /at least 2/],
  ['maxLeasesForWorker=-1', 'error', /at least 1/],
  ['maxLeasesToStealAtOneTime=-1', 'error', /at least 1/],
  ['workerMetricsReporterFreqInMillis=-1', 'error', /at least 1/],
  ['inMemoryWorkerMetricsCaptureFrequencyMillis=-1', 'error', /at least 1/],
  ['initialLeaseTableReadCapacity=-1', 'error', /at least 1/],
  ['workerMetricsEMAAlpha=1.5', 'error', /at most 1/],
  ['dampeningPercentage=101', 'error', /at most 100/],
  ['staleWorkerMetricsEntryCleanupDuration=-P1D', 'error', /P1D/],
  ['kinesisClient.foo=bar', 'error', /not a setter.*region, endpointOverride/],
  ['kinesisClient.endpointDiscoveryEnabled=true', 'error', /not a setter/],
  ['kinesisClient.overrideConfiguration.apiCallTimeout=5', 'error', /P1D/],
  ['streamName=arn:aws:kinesis:us-east-1:111122223333:stream/words', 'error', /is an ARN.*streamArn/],
  ['streamName=STREAM_NAME', 'warning', /placeholder/],
  ['tableName=TBD', 'warning', /placeholder/],
  ['workerIdentifier=\x24{HOSTNAME}', 'error', /nobody fills in/],
  ['workerIdentifier=worker-$HOSTNAME', 'error', /\$HOSTNAME in it/],
  ['tableName=$(whoami)', 'error', /nobody fills in/],
  ['initialPositionInStream=LATEST', 'info', /what came in between is lost\. Use --restart/],
  ['clientVersionConfig=CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X', 'info', /KCL 2\.x.*remove it/],
  ['kinesisEndpoint=http://localstack:4566', 'warning', /emulator: the lease tables/],
  ['AwsCredentialsProvider=DefaultCredentialsProvider|prod', 'error', /ProfileCredentialsProvider\|prod/],
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

test('tells that only the name in a stream ARN is used, which --strict does not refuse, and refuses another region', () => {
  const file = `executableName=node a.js\napplicationName=app\nretrievalMode=POLLING
streamArn=arn:aws:kinesis:us-east-1:123456789012:stream/words\n`
  assert.deepEqual(
    lintFile(file).map(({ severity, key }) => [severity, key]),
    [['info', 'streamArn']],
  )
  assert.equal(lintFile(`${file}regionName=eu-west-1`)[0]?.severity, 'error')
  assert.match(lintFile(file, { AWS_REGION: 'eu-west-1' })[0]?.message ?? '', /AWS_REGION is eu-west-1/)
})

test('counts the names of the tables that the application gets, and looks at its name where tableName is set', () => {
  const file = 'executableName=node a.js\nstreamName=s\nretrievalMode=POLLING\n'
  const said = (lines: string) => lintFile(`${file}${lines}`).map(({ key, message }) => `${key}: ${message}`)
  assert.deepEqual(said(`applicationName=${'a'.repeat(237)}`), [])
  assert.match(
    said(`applicationName=${'a'.repeat(238)}`)[0] ?? '',
    /applicationName: .* too long: .* 256 letters/,
  )
  assert.deepEqual(
    said(
      `applicationName=${'a'.repeat(238)}\nworkerMetricsTableName=metrics\ncoordinatorStateTableName=state`,
    ),
    [],
  )
  for (const name of ['my app', 'ä', 'a/b']) {
    assert.match(said(`applicationName=${name}\ntableName=leases`)[0] ?? '', /^applicationName: /)
  }
  assert.match(said('applicationName=app\nworkerMetricsTableName=a b')[0] ?? '', /^workerMetricsTableName: /)
  assert.match(said(`applicationName=${'a'.repeat(129)}\nretrievalMode=FANOUT`)[0] ?? '', /consumer's name/)
})

test('wants a region from somewhere, and names a variable that Java does not read', () => {
  const nowhere = { HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' }
  const [finding] = lintFile(COMPLETE, { ...nowhere, AWS_DEFAULT_REGION: 'eu-west-1' })
  assert.deepEqual([finding?.severity, finding?.key], ['error', 'regionName'])
  assert.match(finding?.message ?? '', /AWS_DEFAULT_REGION is set, but the SDK for Java does not read it/)
  assert.deepEqual(lintFile(`${COMPLETE}regionName=eu-west-1`, nowhere), [])
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
