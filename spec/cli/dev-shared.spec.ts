import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Place, type Running, run, start, temporaryFolder } from '../helpers/command.ts'

const PROGRAM = fileURLToPath(new URL('../fixtures/host.js', import.meta.url))

test('serves every shard in one process, and tells each line by its shard', async (t) => {
  const { code, stderr } = await dev(t, numbers(90))
  assert.equal(code, 0, stderr)
  assert.match(stderr, /90 of 90 records acknowledged and checkpointed over 3 shards/)
  assert.equal(stderr.match(/^begun$/gm)?.length, 1)
  assert.equal(stderr.match(/^shardId-0+\d GOT \d+$/gm)?.length, 90)
  assert.equal(stderr.match(/^shardId-0+\d \| in pieces$/gm)?.length, 90)
})

test('tells machines of every shard, each line of the program on standard error', async (t) => {
  const { code, stdout, stderr } = await dev(t, numbers(30), ['--json'])
  assert.equal(code, 0, stderr)
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; end?: string })
  assert.equal(events.filter(({ event }) => event === 'started').length, 3)
  assert.deepEqual(
    events.flatMap(({ end }) => end ?? []),
    ['shard-ended', 'shard-ended', 'shard-ended'],
  )
  assert.match(stderr, /^shardId-0+\d \| in pieces$/m)
})

test('serves them on sockets with a file where the system has no others', async (t) => {
  const elsewhere = `data:text/javascript,Object.defineProperty(process, 'platform', { value: 'darwin' })`
  const env = { ...process.env, NODE_OPTIONS: `--import "${elsewhere}"`, TMPDIR: temporaryFolder(t) }
  const { code, stderr } = await dev(t, numbers(30), [], { env })
  assert.equal(code, 0, stderr)
  assert.match(stderr, /30 of 30 records acknowledged and checkpointed over 3 shards/)
})

// What strikes, how many consumers that takes, at least, and how often the program is started.
const FAULTS: readonly (readonly [fault: string, consumers: number, programs: number, seen?: RegExp])[] = [
  // Shards that have ended by then do not begin again.
  ['kill-consumer:@20/0', 4, 2, /The daemon starts again \(1\)/],
  ['kill-daemon:@20/0', 4, 2, /The daemon starts again \(1\)/],
  ['split:@20/0', 5, 1, /over 5 shards/],
  ['merge:@20/0', 4, 1, /over 4 shards/],
  ['refuse=ThrottlingException', 3, 1],
  ['empty', 3, 1],
  ['lease-lost:@20/1', 4, 1],
  ['shutdown:@20/1', 4, 1],
]

for (const [fault, consumers, programs, seen = /over 3 shards/] of FAULTS) {
  test(`loses nothing under the fault ${fault}`, async (t) => {
    const { code, stderr } = await dev(t, numbers(120), ['--fault', fault])
    assert.equal(code, 0, stderr)
    assert.match(stderr, seen)
    assert.match(stderr, /^records +120$/m)
    for (const broken of ['lost', 'out of order in their key', 'delivered again after a checkpoint']) {
      assert.match(stderr, new RegExp(`^${broken} +none$`, 'm'))
    }
    const started = Number(/^consumers started +(\d+)$/m.exec(stderr)?.[1])
    assert.ok(programs > 1 ? started >= consumers : started === consumers, stderr)
    assert.equal(stderr.match(/^begun$/gm)?.length, programs)
  })
}

test('a handler that fails gives up its shard; the others are drained, and its error is told once', async (t) => {
  const { code, stderr } = await dev(t, ['throw', ...numbers(30)])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /during processRecords \(ended\):\n.*\n +came +its handler failed: Error: asked to throw$/m,
  )
  assert.equal(stderr.match(/\(ended\)/g)?.length, 1, stderr)
  assert.match(stderr, /^shardId-0+\d \| Error: asked to throw$/m)
})

for (const [word, how] of [
  ['exit', 'exited with code 7'],
  ['kill', 'was killed by SIGKILL'],
  ['stray', 'exited with code 1'],
]) {
  test(`says that all shards end with the process: ${word}`, async (t) => {
    const { code, stderr } = await dev(t, [word ?? '', ...numbers(30)])
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`^ +came +the process that serves all shards ${how}$`, 'm'))
    assert.equal(stderr.match(/^begun$/gm)?.length, 1)
  })
}

test('names eachShard to a program that does not call it, or makes a session by itself', async (t) => {
  const silent = await dev(t, numbers(3), [], {}, ['-e', '0'])
  assert.equal(silent.code, 1)
  assert.match(silent.stderr, /hint +The program has not called eachShard\(\), whose handler/)
  const plain = await dev(t, numbers(3), [], {}, [PROGRAM, 'plain'])
  assert.equal(plain.code, 1)
  assert.match(plain.stderr, /UsageError: new KclSession\(\): this process serves all shards .* eachShard/)
  const waits = await dev(t, numbers(3), ['--timeout', '500ms'], {}, ['-e', 'setInterval(() => {}, 1000)'])
  assert.equal(waits.code, 1)
  assert.match(waits.stderr, /\(no-answer\)[\s\S]*hint +The program has not called eachShard\(\)/)
})

test('takes an exit code at the end for a remark, as of any consumer, and keeps what was printed last', async (t) => {
  const { code, stderr } = await dev(t, numbers(30), [], {}, [PROGRAM, 'code'])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /^remark: all shards, at the end \(exit-code\): it exited with code 3/m)
  assert.match(stderr, /^no shard is left$/m)
  assert.match(stderr, /^1 remark, of which/m)
})

test('drains every shard at a signal, and goes on from there with --state', async (t) => {
  const folder = temporaryFolder(t)
  const args = ['--state', join(folder, 'state'), '--follow']
  const running = begin(t, folder, numbers(30), args)
  // Nothing else that is printed has a G.
  await running.seen(/^(?:[^G]*G){30}/)
  running.child.kill('SIGINT')
  const { code, stderr } = await running.ended
  assert.equal(code, 130, stderr)
  assert.match(stderr, /30 of 30 records acknowledged and checkpointed/)
  assert.match(stderr, /To go on after them: .*--shared/)
  const again = await begin(t, folder, numbers(40), args.slice(0, 2)).ended
  assert.equal(again.code, 0, again.stderr)
  assert.equal(again.stderr.match(/ GOT /g)?.length, 10)
})

test('ends a handler that takes no end when the time to stop is over', async (t) => {
  const folder = temporaryFolder(t)
  const running = begin(t, folder, ['hang', ...numbers(30)], ['--stop-timeout', '500ms'])
  await running.seen(/GOT hang$/m)
  running.child.kill('SIGTERM')
  const { code, stderr } = await running.ended
  assert.equal(code, 143, stderr)
  assert.match(stderr, /The time to stop is over: ending what is left/)
})

test('refuses a command that is not node itself, and another protocol', async (t) => {
  const input = ['dev', '--shared', '--input', 'samples/data/earthquakes.ndjson']
  const other = await run(t, [...input, '--', 'npx', 'consumer'])
  assert.equal(other.code, 2)
  assert.match(other.stderr, /--shared needs node itself as the command, and not npx .*node --import tsx/)
  const stdio = await run(t, [...input, '--protocol=stdio', '--', process.execPath, PROGRAM])
  assert.equal(stdio.code, 2)
  assert.match(stdio.stderr, /--shared and --protocol=stdio exclude each other/)
})

function dev(
  t: TestContext,
  lines: readonly string[],
  args: readonly string[] = [],
  place: Place = {},
  program: readonly string[] = [PROGRAM],
): Running['ended'] {
  return begin(t, temporaryFolder(t), lines, args, place, program).ended
}

function begin(
  t: TestContext,
  folder: string,
  lines: readonly string[],
  args: readonly string[],
  place: Place = {},
  program: readonly string[] = [PROGRAM],
): Running {
  const input = join(folder, 'lines.txt')
  writeFileSync(input, lines.map((line) => `${line}\n`).join(''))
  const shared = ['dev', '--shared', '--shards', '3', '--batch', '5', '--input', input]
  const format = lines.some((line) => Number.isNaN(Number(line))) ? ['--format', 'text'] : []
  return start(t, [...shared, ...format, ...args, '--', process.execPath, ...program], place)
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n + 1))
}
