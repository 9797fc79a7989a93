import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Ended, start, temporaryFolder } from '../helpers/command.ts'

test('check prints every finding, and exits as run would', async (t) => {
  const file = join(temporaryFolder(t), 'app.properties')
  writeFileSync(file, 'applicationName=demo\nstreamNme=words\nretrievalMode=POLLING\n')
  const bad = await command(t, ['check', `--config=${file}`, '--', 'node', 'consumer.js'])
  assert.equal(bad.code, 2)
  assert.match(bad.stdout, /^error: streamNme .*Did you mean streamName\?$/m)
  assert.match(bad.stdout, /^error: streamName is missing/m)
  assert.match(
    bad.stdout,
    /^error: executableName \(the command after --\) cannot be started: .*consumer\.js/m,
  )
  const flags = [`--config=${file}`, '--stream-name=words', '--region-name=us-east-1']
  writeFileSync(file, 'applicationName=demo\n')
  const warned = await command(t, ['check', ...flags, '--', 'node', '-'])
  assert.deepEqual([warned.code, /^warning: retrievalMode/m.test(warned.stdout)], [0, true])
  assert.equal((await command(t, ['check', '--strict', ...flags, '--', 'node', '-'])).code, 2)
})

test('check --explain tells about one property, and suggests one for a misspelt name', async (t) => {
  const known = await command(t, ['check', '--explain', 'MAX_RECORDS'])
  assert.deepEqual([known.code, known.stdout.split('\n')[0]], [0, 'maxRecords'])
  const misspelt = await command(t, ['check', '--explain', 'maxRecord'])
  assert.deepEqual(
    [misspelt.code, misspelt.stderr],
    [2, 'kcl-session: maxRecord is not a property of the daemon. Did you mean maxRecords?\n'],
  )
})

test('doctor tells what is missing, and exits with 1', async (t) => {
  const home = temporaryFolder(t)
  const { code, stdout } = await command(t, ['doctor'], { PATH: '/nowhere', HOME: home })
  assert.equal(code, 1)
  assert.match(stdout, /^missing Java {6}There is no Java/m)
  assert.match(stdout, /^missing Jars {6}not here, and there is no Maven/m)
  assert.match(stdout, /^note {4}Maven/m)
})

test('doctor calls fatal what run ends with: no place to keep the jars that are not here', async (t) => {
  const folder = temporaryFolder(t)
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const programs = {
    java: `echo 'openjdk version "17.0.1"' >&2`,
    mvn: 'echo "Apache Maven 3.9.9"',
  }
  for (const [name, text] of Object.entries(programs))
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  const PATH = `${bin}:/usr/bin:/bin`
  // A file where the folder should be cannot be written by root either.
  const closed = { PATH, HOME: join(bin, 'java') }
  const config = [
    '--application-name=demo',
    '--stream-name=words',
    '--region-name=us-east-1',
    '--no-preflight',
  ]
  for (const env of [{ PATH }, closed]) {
    const told = await command(t, ['doctor'], env)
    assert.deepEqual([told.code, /^missing Jars .*XDG_CACHE_HOME/m.test(told.stdout)], [1, true], told.stdout)
    const run = await command(t, ['run', ...config, '--', process.execPath, '-e', ''], env)
    assert.deepEqual([run.code, /XDG_CACHE_HOME/.test(run.stderr)], [2, true], run.stderr)
  }
  const open = await command(t, ['doctor'], { PATH, HOME: folder })
  assert.deepEqual([open.code, /^note {4}Jars .*the first run does it/m.test(open.stdout)], [0, true])
})

test('jars says in one line why it cannot fetch anything', async (t) => {
  const { code, stderr } = await command(t, ['jars'], { PATH: '/nowhere', HOME: temporaryFolder(t) })
  assert.deepEqual([code, stderr.split('\n').length], [2, 2])
  assert.match(stderr, /^kcl-session: There is no Java: JAVA_HOME is not set/)
})

test('put wants to know the stream, and finds a broken line before it sends anything', async (t) => {
  const input = join(temporaryFolder(t), 'events.ndjson')
  writeFileSync(input, '{"id":"a"}\n{"id":\n')
  const nowhere = ['--kinesis-endpoint=http://localhost:9', '--region-name=us-east-1']
  const unnamed = await command(t, ['put', '--input', input])
  assert.deepEqual([unnamed.code, /Which stream\?/.test(unnamed.stderr)], [2, true])
  const broken = await command(t, ['put', '--input', input, '--key', 'id', '--stream-name=words', ...nowhere])
  assert.deepEqual([broken.code, /events\.ndjson, line 2 is not JSON/.test(broken.stderr)], [2, true])
})

test('put finds a record that is over the limit before it sends anything', async (t) => {
  const input = join(temporaryFolder(t), 'events.ndjson')
  writeFileSync(input, `{"id":"a"}\n{"id":"${'x'.repeat(10 * 1024 * 1024)}"}\n`)
  const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
  const nowhere = ['--stream-name=words', '--kinesis-endpoint=http://localhost:9', '--region-name=us-east-1']
  const { code, stderr } = await command(t, ['put', '--input', input, ...nowhere], env)
  assert.equal(code, 2)
  assert.match(
    stderr,
    /^kcl-session: .*events\.ndjson, line 2 has \d+ bytes: Kinesis takes records of up to 10 MiB/,
  )
})

test('a command that is too long for the system is called so, by dev, run and check', async (t) => {
  const folder = temporaryFolder(t)
  const [input, config] = [join(folder, 'events.ndjson'), join(folder, 'app.properties')]
  writeFileSync(input, '{"id":"a"}\n')
  writeFileSync(config, 'streamName=words\napplicationName=long-command\nregionName=us-east-1\n')
  const long = ['--', process.execPath, input, ...Array.from({ length: 2 }, () => 'x'.repeat(70_000))]
  const env = { PATH: process.env.PATH, HOME: process.env.HOME }
  for (const args of [
    ['dev', '--input', input],
    ['run', '--config', config, '--no-preflight'],
  ]) {
    const { code, stderr } = await command(t, [...args, ...long], env)
    assert.equal(code, 2, stderr)
    assert.match(stderr, /The command is longer than this system takes for one program\./)
    assert.doesNotMatch(stderr, /^ +at /m)
  }
  const checked = await command(t, ['check', '--config', config, ...long], env)
  assert.equal(checked.code, 2)
  assert.match(checked.stdout, /The command is longer than this system takes/)
})

test('local writes over no file that it did not write', async (t) => {
  const file = join(temporaryFolder(t), 'app.properties')
  writeFileSync(file, 'streamName=mine\n')
  const { code, stderr } = await command(t, ['local', '--write', file])
  assert.equal(code, 2)
  assert.match(stderr, /app\.properties was not written by kcl-session local, and is left as it is/)
  assert.equal(readFileSync(file, 'utf8'), 'streamName=mine\n')
  for (const [place, why] of [
    [dirname(file), 'it is a folder'],
    [join(file, 'x'), 'there is no folder'],
    [join(dirname(file), 'none', 'x'), 'there is no folder'],
  ] as const) {
    const refused = await command(t, ['local', '--write', place])
    assert.equal(refused.code, 2)
    assert.ok(refused.stderr.includes(`--write: ${place} cannot be written: ${why}`), refused.stderr)
  }
})

test('run takes no folder of jars that Java would cut in two', async (t) => {
  const folder = join(temporaryFolder(t), 'a:b')
  mkdirSync(folder)
  writeFileSync(join(folder, 'amazon-kinesis-client-multilang-9.jar'), '')
  const settings = ['--stream-name=words', '--application-name=colon', '--region-name=us-east-1']
  const args = ['run', '--no-preflight', `--jars=${folder}`, ...settings, '--', process.execPath, '--version']
  const { code, stderr } = await command(t, args, { PATH: process.env.PATH })
  assert.equal(code, 2)
  assert.match(stderr, /has a ":" in its path, which Java takes for the end of it/)
})

// Without anything of this machine's environment but Node itself.
function command(t: TestContext, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return start(t, args, { env }).ended
}
