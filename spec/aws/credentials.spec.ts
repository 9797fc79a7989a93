import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findKeys, NoKeys, type Provider, UnknownProvider } from '../../lib/aws/credentials.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'SECRET' }

test('takes the keys of the environment for the default provider and for its own', async () => {
  for (const name of ['DefaultCredentialsProvider', 'EnvironmentVariableCredentialsProvider']) {
    const keys = await findKeys([{ name, args: [] }], 'us-east-1', { ...KEYS, AWS_SESSION_TOKEN: 'TOKEN' })
    assert.deepEqual(keys, { accessKeyId: 'AKID', secretAccessKey: 'SECRET', sessionToken: 'TOKEN' })
  }
})

test('goes on to the next provider of the chain, and says in one sentence what the last one lacked', async () => {
  const variables = { name: 'EnvironmentVariableCredentialsProvider', args: [] }
  await assert.rejects(findKeys([variables, variables], 'us-east-1', {}), (error) => {
    assert.ok(error instanceof NoKeys)
    assert.match(
      error.message,
      /^There are no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set\. Set /,
    )
    return true
  })
})

test('does not pass a provider that only Java has for a lack of keys', async () => {
  await assert.rejects(findKeys([{ name: 'com.example.Vault', args: ['x'] }], 'us-east-1', KEYS), (error) => {
    assert.ok(error instanceof UnknownProvider)
    assert.match(error.message, /com\.example\.Vault/)
    return true
  })
})

test('reads the profile that the provider names, and prefers the environment to the default one as Java does', (t) => {
  const folder = temporary(t)
  writeFileSync(
    join(folder, 'credentials'),
    '[default]\naws_access_key_id = OF_DEFAULT\naws_secret_access_key = s\n\n[prod]\naws_access_key_id = OF_PROD\naws_secret_access_key = s\n',
  )
  const environment = {
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'none'),
  }
  const profile = (...args: string[]): Provider => ({ name: 'ProfileCredentialsProvider', args })
  assert.equal(askIn(environment, profile('prod')), 'OF_PROD')
  assert.equal(askIn(environment, profile()), 'OF_DEFAULT')
  assert.equal(askIn(environment, { name: 'DefaultCredentialsProvider', args: [] }), 'OF_DEFAULT')
  assert.equal(
    askIn({ ...environment, ...KEYS, AWS_PROFILE: 'prod' }, { name: 'DefaultCredentialsProvider', args: [] }),
    'AKID',
  )
  assert.match(
    askIn(environment, profile('prdo')),
    /There are no AWS credentials: Could not resolve credentials using profile: \[prdo\]/,
  )
})

test('asks the container for its keys', async (t) => {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(
      '{"AccessKeyId":"OF_TASK","SecretAccessKey":"s","Token":"t","Expiration":"2999-01-01T00:00:00Z"}',
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  const before = process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI
  process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = url
  t.after(() => {
    if (before === undefined) delete process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI
    else process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = before
  })
  const { accessKeyId } = await findKeys(
    [{ name: 'ContainerCredentialsProvider', args: [] }],
    'us-east-1',
    {},
  )
  assert.equal(accessKeyId, 'OF_TASK')
})

// The SDK reads the environment of its process: so each question gets a process of its own.
function askIn(environment: Record<string, string>, provider: Provider): string {
  const script = `import { findKeys } from ${JSON.stringify(new URL('../../lib/aws/credentials.js', import.meta.url))}
    try { console.log((await findKeys([${JSON.stringify(provider)}], 'us-east-1', process.env)).accessKeyId) }
    catch (error) { console.log(error.message) }`
  const result = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { PATH: process.env.PATH, AWS_EC2_METADATA_DISABLED: 'true', ...environment },
    encoding: 'utf8',
  })
  return result.stdout.trim() || result.stderr
}

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcl-session-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
