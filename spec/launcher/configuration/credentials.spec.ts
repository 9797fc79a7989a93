import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readProviders } from '../../../lib/launcher/configuration/credentials.ts'
import { hasSecretArgument, maskText, maskValue } from '../../../lib/launcher/configuration/masking.ts'

test('replaces class names of the SDK 1.x by what they became, arguments intact', () => {
  const providers = readProviders(
    'com.amazonaws.auth.EnvironmentVariableCredentialsProvider, STSAssumeRoleSessionCredentialsProvider|arn:aws:iam::1:role/r|s',
  )
  assert.equal(
    providers.value,
    'EnvironmentVariableCredentialsProvider,StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|s',
  )
  assert.equal(providers.replaced.length, 2)
  assert.deepEqual(providers.unknown, [])
  assert.equal(providers.assumesRole, true)
})

test('leaves names that the daemon can use as they are, and those of the user', () => {
  for (const value of [
    'DefaultCredentialsProvider',
    'ProfileCredentialsProvider|staging',
    'software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider',
    'com.example.Provider|a|b=c',
  ]) {
    assert.deepEqual(readProviders(value), { value, replaced: [], unknown: [], assumesRole: false })
  }
})

test('names what the daemon would drop', () => {
  assert.deepEqual(readProviders('Foo,DefaultCredentialsProvider').unknown, ['Foo'])
  assert.deepEqual(readProviders('StaticCredentialsProvider|a|b').unknown, ['StaticCredentialsProvider'])
})

test('shows roles, sessions and profiles, and masks every other argument', () => {
  const role =
    'StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/r|session|endpoint=https://sts.example^us-east-1'
  assert.equal(maskValue('AwsCredentialsProvider', role), role)
  assert.equal(maskValue('AwsCredentialsProvider', `${role}|externalId=abc`), `${role}|externalId=***`)
  assert.equal(maskValue('AwsCredentialsProvider', 'com.example.Mine|a|b=c'), 'com.example.Mine|***|b=***')
  assert.equal(
    maskValue('AwsCredentialsProvider', 'ProfileCredentialsProvider|staging'),
    'ProfileCredentialsProvider|staging',
  )
  assert.equal(hasSecretArgument(role), false)
})

test('masks access keys, and passwords in addresses, wherever they stand', () => {
  assert.equal(maskText('key AKIAIOSFODNN7EXAMPLE used'), 'key AKIAIOSF*** used')
  assert.equal(maskText('http://me:hunter2@proxy:3128/'), 'http://me:***@proxy:3128/')
  assert.equal(maskText('http://localhost:4568/'), 'http://localhost:4568/')
  assert.equal(maskValue('kinesisEndpoint', 'http://a:b@c'), 'http://a:***@c')
})
