import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, start, temporaryFolder } from '../helpers/command.ts'

const fixture = (name: string): string[] => ['--', process.execPath, `spec/daemon/fixtures/${name}.js`]

test('goes on after the checkpoints of the last run when the file has grown', async (t) => {
  const { file, dev } = setup(t, 200)
  const first = await dev(['--shards', '2'], 'good')
  assert.match(first.stderr, /200 of 200 records acknowledged and checkpointed over 2 shards/)
  assert.equal(first.code, 0)
  const again = await dev([], 'good')
  assert.match(again.stderr, /0 of 0 records acknowledged and checkpointed over 2 shards/)
  assert.equal(again.code, 0)
  appendFileSync(file, lines(200, 50))
  const grown = await dev(['--shards', '2'], 'tell-and-store')
  assert.match(grown.stderr, /50 of 50 records acknowledged and checkpointed over 2 shards/)
  const ids = [...grown.stderr.matchAll(/^shardId-\d+ \| GOT \["{\\"id\\":(\d+)/gm)].map((match) =>
    Number(match[1]),
  )
  assert.deepEqual(
    ids.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, at) => 200 + at),
  )
})

test('delivers again what was not checkpointed, under the same sequence numbers', async (t) => {
  const { dev } = setup(t, 20)
  const got = (stderr: string): string[] =>
    [...stderr.matchAll(/^(?:shardId-\d+ \| )?GOT ([^\n]*)$/gm)].map((match) => match[1] ?? '')
  const first = await dev([], 'tell')
  assert.equal(first.code, 1)
  assert.match(first.stderr, /20 of 20 records acknowledged, 0 checkpointed, over 1 shard/)
  const second = await dev([], 'tell-and-store')
  assert.equal(second.code, 0)
  assert.equal(got(first.stderr).length, 20)
  assert.deepEqual(got(second.stderr), got(first.stderr))
})

test('drains at the end of the input, and does not end the shards', async (t) => {
  const { dev, state } = setup(t, 10)
  const { stderr } = await dev([], 'tell-and-store')
  assert.deepEqual(
    [...stderr.matchAll(/^ACTION (.*)$/gm)].map((match) => match[1]),
    ['initialize', 'processRecords', 'shutdownRequested', 'leaseLost'],
  )
  const saved = JSON.parse(readFileSync(join(state, 'state.json'), 'utf8'))
  assert.match(saved.shards[0].sequenceNumber, /^\d{56}$/)
})

test('waits for lines that are added to the file, and drains on Ctrl-C', async (t) => {
  const { file, args } = setup(t, 5)
  const running = start(t, ['dev', ...args, '--follow', ...fixture('tell-and-store')])
  await running.seen(/GOT \["{\\"id\\":4/)
  appendFileSync(file, lines(5, 1))
  await running.seen(/GOT \["{\\"id\\":5/)
  // Half a line is no record.
  appendFileSync(file, '{"id":6')
  appendFileSync(file, '}\n')
  await running.seen(/GOT \["{\\"id\\":6/)
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  assert.equal(code, 130)
  assert.match(stderr, /SIGINT: draining/)
  assert.match(stderr, /ACTION shutdownRequested\nACTION leaseLost/)
  assert.match(stderr, /7 of 7 records acknowledged and checkpointed over 1 shard/)
})

test('refuses a state that does not fit', async (t) => {
  const { file, dev, state } = setup(t, 20)
  await dev(['--shards', '2', '--key', 'id'], 'good')
  const refused = async (args: readonly string[], pattern: RegExp): Promise<void> => {
    const { code, stderr } = await dev(args, 'good')
    assert.match(stderr, pattern)
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    assert.equal(code, 2)
  }
  await refused(['--shards', '3', '--key', 'id'], /is that of 2 shards, not of 3/)
  await refused([], /was made with --key id, not with no --key/)
  await refused(['--key', 'id', '--fault', 'aggregate=2'], /not with --key id --fault aggregate=2/)
  writeFileSync(file, lines(0, 19))
  await refused(['--key', 'id'], /is shorter than in the earlier run/)
  writeFileSync(file, lines(1, 20))
  await refused(['--key', 'id'], /is not the file of the earlier run/)
  writeFileSync(join(state, 'state.json'), '{')
  await refused(['--key', 'id'], /is not the state of a run/)
})

test('has one owner at a time, and forgets an owner that was killed', async (t) => {
  const { args } = setup(t, 5)
  const first = start(t, ['dev', ...args, '--follow', ...fixture('tell-and-store')])
  await first.seen(/GOT/)
  const second = await run(t, ['dev', ...args, ...fixture('good')])
  assert.match(second.stderr, new RegExp(`belongs to the run with process ${first.child.pid}`))
  assert.equal(second.code, 2)
  first.child.kill('SIGKILL')
  await first.ended
  const third = await run(t, ['dev', ...args, ...fixture('good')])
  assert.equal(third.code, 0)
})

test('keeps the checkpoints of a run that was killed', async (t) => {
  const { file, args } = setup(t, 5)
  const first = start(t, ['dev', ...args, '--follow', ...fixture('tell-and-store')])
  await first.seen(/GOT \["{\\"id\\":4/)
  // The next batch comes when the one before is stored and acknowledged.
  appendFileSync(file, lines(5, 1))
  await first.seen(/GOT \["{\\"id\\":5/)
  first.child.kill('SIGKILL')
  await first.ended
  const second = await run(t, ['dev', ...args, ...fixture('good')])
  assert.match(second.stderr, /([01]) of \1 records?/)
})

test('needs a file that can be read again', async (t) => {
  const folder = temporaryFolder(t)
  const piped = await run(t, ['dev', '--input', '-', '--state', folder, ...fixture('good')])
  assert.match(piped.stderr, /--state needs a file/)
  const device = await run(t, [
    'dev',
    '--input',
    '/dev/null',
    '--state',
    join(folder, 's'),
    ...fixture('good'),
  ])
  assert.match(device.stderr, /--state needs a regular file/)
  const blocked = join(folder, 'blocked')
  writeFileSync(blocked, '')
  const file = join(folder, 'in')
  writeFileSync(file, lines(0, 1))
  const noFolder = await run(t, ['dev', '--input', file, '--state', join(blocked, 's'), ...fixture('good')])
  assert.match(noFolder.stderr, /Cannot keep the state in/)
  for (const { code } of [piped, device, noFolder]) assert.equal(code, 2)
})

function lines(from: number, count: number): string {
  return Array.from({ length: count }, (_, at) => `${JSON.stringify({ id: from + at })}\n`).join('')
}

function setup(t: TestContext, count: number) {
  const folder = temporaryFolder(t)
  const file = join(folder, 'events.ndjson')
  const state = join(folder, 'state')
  mkdirSync(state)
  writeFileSync(file, lines(0, count))
  const args = ['--input', file, '--state', state, '--protocol', 'stdio']
  const dev = (more: readonly string[], consumer: string) =>
    run(t, ['dev', ...args, ...more, ...fixture(consumer)])
  return { file, state, args, dev }
}
