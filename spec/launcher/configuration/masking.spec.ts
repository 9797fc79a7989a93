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

test('goes through a long line once: eight times the text is no more than that much more work', () => {
  for (const piece of ['a', 'secret', '<', '"', '-', '://', 'token ', '|', 'Credentials']) {
    const least = work(piece, 8000)
    const most = work(piece, 64_000)
    // Where a place is gone back to, it is 64 times as much; below a few milliseconds nothing can be told.
    assert.ok(most < 24 * Math.max(least, 3000), `${JSON.stringify(piece)}: ${least} and ${most} µs of CPU`)
  }
})

// The least of three tries, in microseconds of this process alone.
function work(piece: string, length: number): number {
  const text = piece.repeat(length / piece.length)
  return Math.min(
    ...[1, 2, 3].map(() => {
      const before = process.cpuUsage()
      maskText(text)
      return process.cpuUsage(before).user
    }),
  )
}
