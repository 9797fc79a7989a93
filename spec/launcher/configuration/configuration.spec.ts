import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  type ConfigurationRequest,
  readConfiguration,
} from '../../../lib/launcher/configuration/configuration.ts'
import { explain, reference, reportConfiguration } from '../../../lib/launcher/configuration/report.ts'

test('fills in our defaults, and the command after -- wins over executableName', (t) => {
  const { settings, command } = read(t, 'streamName=words\nexecutableName=python old.py', {
    command: ['node', 'a b.js'],
  })
  assert.equal(settings.get('initialPositionInStream')?.value, 'TRIM_HORIZON')
  assert.equal(settings.get('AwsCredentialsProvider')?.value, 'DefaultCredentialsProvider')
  assert.equal(settings.get('callProcessRecordsEvenForEmptyRecordList')?.value, 'true')
  assert.equal(settings.get('shutdownGraceMillis')?.value, '24000')
  assert.deepEqual(command, ['node', 'a b.js'])
})

test('splits executableName as the daemon does', (t) => {
  assert.deepEqual(read(t, 'executableName = node  "a b.js"').command, ['node', '"a', 'b.js"'])
})

test('hands on credentials with their new names', (t) => {
  const { settings } = read(t, 'AWSCredentialsProvider=DefaultAWSCredentialsProviderChain')
  assert.equal(settings.get('AwsCredentialsProvider')?.value, 'DefaultCredentialsProvider')
})

test('says why a file cannot be read', (t) => {
  assert.throws(
    () => read(t, '', { file: 'missing.properties' }),
    /missing\.properties cannot be read: there is no/,
  )
  assert.throws(() => read(t, '', { file: '.' }), /is a folder/)
  assert.throws(() => read(t, '\ufeffstreamName=a'), /byte order mark/)
})

test('prints where each value comes from, with secrets masked and every finding', (t) => {
  const text = reportConfiguration(
    read(t, 'streamNme=a\nstreamName=words\nAwsCredentialsProvider=com.example.Mine|s3cr3t', {
      environment: { KCL_STREAM_NAME: 'other' },
    }),
  )
  assert.match(text, /^streamName +=.*other +KCL_STREAM_NAME, instead of app\.properties line 2$/m)
  assert.match(text, /^workerIdentifier +=.*chosen at the start/m)
  assert.match(text, /com\.example\.Mine\|\*\*\*/)
  assert.doesNotMatch(text, /s3cr3t/)
  assert.match(text, /^error: streamNme .*Did you mean streamName\?$/m)
  assert.match(text, /^Records are read by enhanced fan-out\.$/m)
})

test('explains a property by any spelling, and prints all of them as a table', () => {
  assert.match(explain('MAX_RECORDS') ?? '', /^maxRecords\n.*\n.*from 1 to 10000/)
  assert.match(explain('kinesisClient.region') ?? '', /^kinesisClient\.region\n/)
  assert.equal(explain('colour'), undefined)
  assert.match(reference(), /^\| `retrievalMode` \| DEFAULT, POLLING, FANOUT \|/m)
})

function read(t: TestContext, text: string, request: Partial<ConfigurationRequest> = {}) {
  const workingDirectory = mkdtempSync(join(tmpdir(), 'kcl-session-'))
  t.after(() => rmSync(workingDirectory, { recursive: true }))
  writeFileSync(join(workingDirectory, 'app.properties'), text)
  return readConfiguration({
    file: 'app.properties',
    flags: [],
    command: [],
    environment: {},
    workingDirectory,
    stopTimeout: 25_000,
    now: 1_700_000_000_000,
    ...request,
  })
}
