import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run, start, temporaryFolder } from '../helpers/command.ts'

const fixture = (name: string): string[] => ['--', process.execPath, `spec/daemon/fixtures/${name}.js`]
const lines = (count: number): string =>
  Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, text: 'ü\u2028' })}\n`).join('')

test('delivers every record over several shards, and says so', async (t) => {
  const file = join(temporaryFolder(t), 'events.ndjson')
  writeFileSync(file, lines(1234))
  const args = ['--input', file, '--key', 'id', '--shards', '3', '--batch', '50', '--protocol', 'stdio']
  const { code, stdout, stderr } = await run(t, ['dev', ...args, ...fixture('good')])
  assert.match(stderr, /\n1,234 of 1,234 records acknowledged and checkpointed over 3 shards\n/)
  for (const shard of [0, 1, 2])
    assert.match(stderr, new RegExp(`shardId-00000000000${shard} +\\d+ +\\d+ +\\d+ `))
  assert.equal(stdout, '')
  assert.equal(code, 0)
})

test('reads standard input as it comes', async (t) => {
  const args = ['--input', '-', '--shards', '2', '--protocol', 'stdio']
  const { code, stderr } = await run(t, ['dev', ...args, ...fixture('good')], lines(300))
  assert.match(stderr, /300 of 300 records acknowledged and checkpointed over 2 shards/)
  assert.equal(code, 0)
})

test('hands over the bytes of each line, its key, and numbers that grow', async (t) => {
  const text = '{"id":"ü","n":1}\r\n{"n" : 2, "id":"\u2028"}\n'
  const args = ['--input', '-', '--key', 'id', '--protocol', 'stdio', ...fixture('tell')]
  const { stderr } = await run(t, ['dev', ...args], text)
  const got = [...stderr.matchAll(/^(?:shardId-\d+ \| )?GOT ([^\n]*)$/gm)].map((match) =>
    JSON.parse(match[1] ?? ''),
  )
  assert.deepEqual(
    got.map(([data, key]) => [data, key]),
    [
      ['{"id":"ü","n":1}', 'ü'],
      ['{"n" : 2, "id":"\u2028"}', '\u2028'],
    ],
  )
  const [first, second] = got.map(([, , sequenceNumber]) => sequenceNumber)
  assert.ok(first.length === 56 && BigInt(first) < BigInt(second))
})

test('fails when something was not checkpointed', async (t) => {
  const args = ['--input', '-', '--protocol', 'stdio', ...fixture('forgetful')]
  const { code, stderr } = await run(t, ['dev', ...args], lines(10))
  assert.match(stderr, /during shardEnded \(shard-end-not-stored\)/)
  assert.match(stderr, /10 of 10 records acknowledged, 0 checkpointed, over 1 shard/)
  assert.equal(code, 1)
})

test('says once what is wrong with a consumer that fails on every shard', async (t) => {
  const args = [
    '--input',
    '-',
    '--shards',
    '4',
    '--',
    process.execPath,
    '-e',
    'throw new Error("no such table")',
  ]
  const { code, stderr } = await run(t, ['dev', ...args], lines(10))
  assert.equal(stderr.match(/\(ended\):$/gm)?.length, 1)
  assert.match(stderr, /came +it exited with code 1/)
  for (const shard of [0, 1, 2, 3])
    assert.match(stderr, new RegExp(`^shardId-00000000000${shard} . Error: no such table$`, 'm'))
  assert.equal(code, 1)
})

test('gives one clear line and exit code 2 for what cannot work, and starts nothing', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'events.ndjson')
  writeFileSync(file, lines(3))
  const broken = join(folder, 'broken.ndjson')
  writeFileSync(broken, `${lines(3)}{oops\n${lines(3)}`)
  const shout = ['--', process.execPath, '-e', 'console.error("STARTED")']
  const refused = async (args: readonly string[], pattern: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await run(t, ['dev', ...args])
    assert.match(stderr, pattern)
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    assert.equal(stdout, '')
    assert.equal(code, 2, args.join(' '))
  }
  await refused(shout, /What is to be read\? Give --input FILE/)
  await refused(['--input', join(folder, 'none'), ...shout], /there is no such file/)
  await refused(['--input', folder, ...shout], /it is a folder/)
  await refused(['--input', broken, ...shout], /broken\.ndjson, line 4 is not JSON/)
  await refused(
    ['--input', file, '--key', 'name', ...shout],
    /line 1 has no field "name".*the fields id, text\./,
  )
  await refused(['--input', file, '--shards', '0', ...shout], /Give a whole number from 1/)
  await refused(['--input', file, '--batch', '1.5', ...shout], /Give a whole number from 1/)
  await refused(['--input', file, '--shard', '2', ...shout], /did you mean one of --shards, --shared/)
  await refused(['--input', file, '--protocol', 'pipe', ...shout], /Give fds or stdio/)
  await refused(['--input', file, 'node', 'consumer.js'], /"node" is not an option. Put "--" in front/)
  await refused(['--input', file], /The consumer is missing/)
  await refused(['--input', file, '--'], /The consumer is missing/)
  await refused(['--input', file, 'consumer.js', ...shout], /consumer\.js/)
  await refused(['--input', file, '--', 'no-such-program-anywhere'], /no such program on the PATH/)
  await refused(['--input', file, '--', 'node', 'no-such-script.js'], /there is no .*no-such-script\.js/)
})

test('stops at a broken line in a stream, and says what was delivered before', async (t) => {
  const args = ['--input', '-', '--batch', '1', '--protocol', 'stdio', ...fixture('good')]
  const { code, stderr } = await run(t, ['dev', ...args], `${lines(5)}{oops\n`)
  assert.match(stderr, /\d of 5 records acknowledged and checkpointed/)
  assert.match(stderr, /standard input, line 6 is not JSON/)
  assert.equal(code, 2)
})

test('guesses that a consumer speaks on stdin and stdout when it is silent on the descriptors', async (t) => {
  const { code, stderr } = await run(t, ['dev', '--input', '-', ...fixture('good')], lines(1))
  assert.match(stderr, /during initialize \(ended\)/)
  assert.match(stderr, /^ {2}hint {13}.* needs --protocol=stdio\.$/m)
  assert.equal(code, 1)
})

test('guesses nothing of the kind when a consumer crashes, or complains, before initialize', async (t) => {
  const folder = temporaryFolder(t)
  const programs = {
    syntax: 'const = 1\n',
    throws: 'throw new Error("no such table")\n',
    fails: 'process.exit(3)\n',
  }
  for (const [name, program] of Object.entries(programs)) {
    const file = join(folder, `${name}.mjs`)
    writeFileSync(file, program)
    const { code, stderr } = await run(t, ['dev', '--input', '-', '--', process.execPath, file], lines(1))
    assert.match(stderr, /during initialize \(ended\)/)
    assert.doesNotMatch(stderr, /stdio/)
    assert.equal(code, 1)
  }
})

test('ends at once when a consumer fails, though the input goes on', async (t) => {
  const running = start(t, ['dev', '--input', '-', '--protocol', 'stdio', ...fixture('bad/crashes')], {
    stdin: 'pipe',
  })
  running.child.stdin?.write(lines(1))
  const { code, stderr } = await running.ended
  assert.match(stderr, /Error: no such table/)
  assert.equal(code, 1)
})

test('lives on when nobody reads its output any more', async (t) => {
  const args = ['--input', '-', '--protocol', 'stdio', '--json', ...fixture('good')]
  const running = start(t, ['dev', ...args], { stdin: 'pipe' })
  running.child.stdout?.destroy()
  running.child.stdin?.end(lines(10))
  assert.equal((await running.ended).code, 0)
})
