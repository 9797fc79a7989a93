import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Configuration, readConfiguration } from '../../../lib/launcher/configuration/configuration.ts'
import { daemonEnvironment } from '../../../lib/launcher/configuration/daemon-environment.ts'
import { settingFlags } from '../../../lib/launcher/configuration/flags.ts'

const LOCAL = ['--kinesis-endpoint=http://localhost:4568', '--dynamo-db-endpoint=http://localhost:4570']

test('gives made-up keys on a local stack to the JVM alone', () => {
  assert.deepEqual(daemonEnvironment(configuration(LOCAL), { AWS_REGION: 'eu-west-1' }), {
    own: { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    restored: { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
  })
})

test('makes up no keys where there are some, or where a service is elsewhere', () => {
  const { own } = daemonEnvironment(configuration(LOCAL), { AWS_PROFILE: 'mine', AWS_REGION: 'x' })
  assert.deepEqual(own, {})
  assert.deepEqual(daemonEnvironment(configuration(LOCAL.slice(1)), { AWS_REGION: 'x' }).own, {})
})

test('gives the JVM regionName as AWS_REGION where it has none, and its proxy', () => {
  const { own, restored } = daemonEnvironment(configuration(['--region-name=eu-west-1']), {
    HTTPS_PROXY: 'http://secure:1',
    HTTP_PROXY: 'http://plain:2',
  })
  assert.deepEqual(own, { AWS_REGION: 'eu-west-1', HTTP_PROXY: 'http://secure:1' })
  assert.deepEqual(restored, { AWS_REGION: undefined, HTTP_PROXY: 'http://plain:2' })
})

function configuration(words: readonly string[]): Configuration {
  return readConfiguration({
    flags: settingFlags(words, [], []),
    command: ['node'],
    environment: {},
    workingDirectory: '/',
    stopTimeout: 0,
    now: 0,
  })
}
