import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskText } from '../../../lib/launcher/configuration/masking.ts'

test('masks secrets in whatever form they are written', () => {
  for (const text of [
    'aws_secret_access_key=HIDE',
    'aws_session_token = HIDE',
    'SecretAccessKey: HIDE',
    '{"SecretAccessKey":"HIDE","SessionToken": "HIDE HIDE"}',
    String.raw`{"message":"{\"SecretAccessKey\":\"HIDE\"}"}`,
    '<SecretAccessKey>HIDE</SecretAccessKey><SessionToken>HIDE</SessionToken>',
    'psql --password HIDE',
    '--db-password=HIDE',
    "--api-key 'HIDE'",
    'Picked up JAVA_TOOL_OPTIONS: -Djavax.net.ssl.keyStorePassword=HIDE -Dx=y',
    'Authorization: Bearer HIDE.HIDE.HIDE',
    'com.example.VaultCredentialsProvider|HIDE|role=HIDE',
    'x.MyStsAssumeRoleCredentialsProvider|HIDE',
  ]) {
    assert.doesNotMatch(maskText(text), /HIDE/, text)
    assert.match(maskText(text), /\*\*\*/, text)
  }
  assert.equal(maskText('{"password":"a\\"b","kept":"c"}'), '{"password":"***","kept":"c"}')
})

test('leaves text alone that only speaks of secrets', () => {
  for (const text of [
    'AWS does not accept the credentials: the key is unknown, or its secret is wrong.',
    'The security token included in the request is expired',
    'http://localhost:4568/ and https://kinesis.us-east-1.amazonaws.com:443',
    'ProfileCredentialsProvider|staging',
  ]) {
    assert.equal(maskText(text), text)
  }
})

test('goes through a line of a megabyte at once', () => {
  for (const piece of ['a', 'secret', '<', '"', '-', '://', 'token ', '|', 'Credentials']) {
    const text = piece.repeat(Math.ceil(1_000_000 / piece.length))
    const before = process.cpuUsage().user
    maskText(text)
    assert.ok(process.cpuUsage(undefined).user - before < 5_000_000, piece)
  }
})
