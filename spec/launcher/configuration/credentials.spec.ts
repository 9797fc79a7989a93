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
    'software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider|arn:aws:iam::111122223333:role/r|s',
    'StsAssumeRoleCredentialsProvider|arn:aws:iam::111122223333:role/a/b|s|externalId=x|endpoint=https://sts.example^us-east-1',
  ]) {
    const { value: kept, replaced, unknown, misfits } = readProviders(value)
    assert.deepEqual(
      { kept, replaced, unknown, misfits },
      { kept: value, replaced: [], unknown: [], misfits: [] },
    )
  }
})

test('names what the daemon would drop', () => {
  assert.deepEqual(readProviders('Foo,DefaultCredentialsProvider').unknown, ['Foo'])
  assert.deepEqual(readProviders('StaticCredentialsProvider|a|b').unknown, ['StaticCredentialsProvider'])
})

test('shows roles, sessions and profiles, and masks every other argument', () => {
  const role =
    'StsAssumeRoleCredentialsProvider|arn:aws:iam::111122223333:role/r|session|endpoint=https://sts.example^us-east-1'
  assert.equal(maskValue('AwsCredentialsProvider', role), role)
  assert.equal(maskValue('AwsCredentialsProvider', `${role}|externalId=abc`), `${role}|externalId=***`)
  assert.equal(maskValue('AwsCredentialsProvider', 'com.example.Mine|a|b=c'), 'com.example.Mine|***|b=***')
  assert.equal(
    maskValue('AwsCredentialsProvider', 'ProfileCredentialsProvider|staging'),
    'ProfileCredentialsProvider|staging',
  )
  assert.equal(hasSecretArgument(role), false)
})

test('says what becomes of arguments that a class does not take', () => {
  for (const [value, said] of [
    ['DefaultCredentialsProvider|prod', /would drop "prod", and use the default profile/],
    ['ProfileCredentialsProvider|prod|x', /would drop all of them, and use the default profile/],
    ['WebIdentityTokenFileCredentialsProvider|a|b|c|d', /would drop all 4 of them, and read the variables/],
    ['EnvironmentVariableCredentialsProvider|x', /would drop "x"/],
    ['StsAssumeRoleCredentialsProvider', /no ARN of a role/],
    ['StsAssumeRoleCredentialsProvider|arn:aws:iam::111122223333:role/r', /no name for the session/],
    [
      'StsAssumeRoleCredentialsProvider|arn:aws:iam::111122223333:role/r|externalId=x',
      /no name for the session/,
    ],
    [
      'StsAssumeRoleCredentialsProvider|arn:aws:iam::111122223333:role/r|s|endpoint=https://x',
      /without \^ and a region/,
    ],
    ['StsAssumeRoleCredentialsProvider|arn:aws:iam::111122223333:role/r|s|region=x', /would ignore/],
    ['StsAssumeRoleCredentialsProvider|<role arn>|s', /placeholder/],
    ['ProfileCredentialsProvider|YOUR_PROFILE', /placeholder/],
  ] as const) {
    const { misfits } = readProviders(value)
    assert.equal(misfits.length, 1, value)
    assert.match(misfits[0]?.message ?? '', said)
  }
})

test('calls no argument a secret that a known class takes', () => {
  for (const value of ['DefaultCredentialsProvider|prod', 'WebIdentityTokenFileCredentialsProvider|a|b']) {
    assert.equal(hasSecretArgument(value), false)
  }
  assert.equal(hasSecretArgument('com.example.MyAssumeRoleProvider|hunter2'), true)
})

test('masks secrets in every form in which logs carry them', () => {
  for (const [text, masked] of [
    ['aws_secret_access_key=abc/def', 'aws_secret_access_key=***'],
    ['aws_secret_access_key = abc/def rest', 'aws_secret_access_key = *** rest'],
    ['{"SecretAccessKey":"abc","a":1}', '{"SecretAccessKey":"***","a":1}'],
    [String.raw`{"text":"{\"SessionToken\":\"abc\"}"}`, String.raw`{"text":"{\"SessionToken\":\"***\"}"}`],
    ['<SecretAccessKey>abc</SecretAccessKey>', '<SecretAccessKey>***</SecretAccessKey>'],
    ['mysql --password hunter2 --verbose', 'mysql --password *** --verbose'],
    ['Authorization: Bearer eyJhbGciOi.x-y', 'Authorization: Bearer ***'],
    ['-Djavax.net.ssl.trustStorePassword=changeit', '-Djavax.net.ssl.trustStorePassword=***'],
    ['with name com.example.Mine|hunter2|b', 'with name com.example.Mine|***|***'],
    ['with name MyAssumeRoleProvider|hunter2', 'with name MyAssumeRoleProvider|***'],
  ] as const) {
    assert.equal(maskText(text), masked)
  }
  for (const text of [
    'There are no AWS credentials: neither variables nor a profile has any.',
    'credentialsProviders=[software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider@1]',
    'The security token included in the request is expired',
    'a|b and c | d',
  ]) {
    assert.equal(maskText(text), text)
  }
})

test('masks access keys, and passwords in addresses, wherever they stand', () => {
  assert.equal(maskText('key AKIAIOSFODNN7EXAMPLE used'), 'key AKIAIOSF*** used')
  assert.equal(maskText('http://me:hunter2@proxy:3128/'), 'http://me:***@proxy:3128/')
  assert.equal(maskText('http://localhost:4568/'), 'http://localhost:4568/')
  assert.equal(maskValue('kinesisEndpoint', 'http://a:b@c'), 'http://a:***@c')
})
