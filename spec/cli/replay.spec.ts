import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, temporaryFolder } from '../helpers/command.ts'

const fixture = (name: string): string[] => ['--', process.execPath, `spec/daemon/fixtures/${name}.js`]

test('records every conversation of a run, one after the other', async (t) => {
  const { transcript, folder } = await recorded(t, ['--shards', '3'])
  const text = readFileSync(transcript, 'utf8')
  assert.deepEqual(text.match(/^# ---- consumer \d, shardId-\d+$/gm), [
    '# ---- consumer 1, shardId-000000000000',
    '# ---- consumer 2, shardId-000000000001',
    '# ---- consumer 3, shardId-000000000002',
  ])
  assert.equal(text.match(/^> \{"action":"shardEnded"\}$/gm)?.length, 3)
  assert.equal(text.match(/^< \{"action":"status","responseFor":"shardEnded"\}$/gm)?.length, 3)
  assert.match(text, /"data":"eyJpZCI6/)
  assert.deepEqual(readdirSync(folder).toSorted(), ['events.ndjson', 'transcript.txt'])
})

test('replays what was recorded, restarts and all', async (t) => {
  const { transcript } = await recorded(t, ['--shards', '2', '--fault', 'kill-daemon:@50', '--seed', '1'])
  const { code, stderr } = await replay(t, transcript, 'patient')
  assert.match(stderr, /\d+ conversations, \d+ lines of the consumer: all as recorded/)
  assert.equal(code, 0)
})

test('leaves the data out where it is asked to, and replays without them', async (t) => {
  const { transcript } = await recorded(t, ['--elide-data'])
  const text = readFileSync(transcript, 'utf8')
  assert.match(text, /"data":"<base64 elided>","partitionKey":/)
  assert.doesNotMatch(text, /eyJpZCI6/)
  const { code, stderr } = await replay(t, transcript, 'patient')
  assert.match(stderr, /all as recorded/)
  assert.equal(code, 0)
})

test('shows the first line in which a consumer differs', async (t) => {
  const { transcript } = await recorded(t, [])
  const other = await replay(t, transcript, 'good')
  assert.match(
    other.stderr,
    /transcript\.txt, line 5, conversation 1 of 1:\n {2}expected {2}\{"action":"checkpoint","sequenceNumber":"\d+","subSequenceNumber":0\}\n {2}came {6}\{"action":"checkpoint"\}/,
  )
  assert.equal(other.code, 1)
  const crashed = await replay(t, transcript, 'bad/crashes')
  assert.match(crashed.stderr, /line 5, .*\n.*\n {2}came {6}it exited with code 1\n {2}standard error/)
  assert.match(crashed.stderr, /^ {4}Error: no such table/m)
  const hung = await replay(t, transcript, 'bad/hangs', ['--timeout', '2'])
  assert.match(hung.stderr, /came {6}nothing for 2 s/)
  const talks = await replay(t, transcript, 'bad/answers-twice')
  assert.match(talks.stderr, /came {6}\{"action":"status","responseFor":"processRecords"\}/)
})

test("plays the real daemon's side too, where batches are shortened and left out", async (t) => {
  const file = 'spec/conformance/transcripts/reshard-parent-shardEnded.txt'
  const { code, stderr } = await replay(t, file, 'names-the-last')
  assert.match(stderr, /2 conversations, \d+ lines of the consumer: all as recorded/)
  assert.equal(code, 0)
})

test('says what is wrong with a transcript', async (t) => {
  const folder = temporaryFolder(t)
  const refused = async (text: string | null, pattern: RegExp): Promise<void> => {
    const file = join(folder, 'transcript.txt')
    if (text !== null) writeFileSync(file, text)
    const { code, stderr } = await replay(t, text === null ? join(folder, 'none') : file, 'good')
    assert.match(stderr, pattern)
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr)
    assert.equal(code, 2)
  }
  await refused(null, /Cannot read .*none/)
  await refused('', /holds no conversation/)
  await refused('# a note\n', /holds no conversation/)
  await refused('hello\n', /line 1: a line of a transcript begins with/)
  await refused('# a note\n< {"action":"status"}\n', /line 2: a conversation begins with initialize/)
  const none = await run(t, ['replay', ...fixture('good')])
  assert.match(none.stderr, /Give one transcript/)
  assert.equal((await run(t, ['replay', 'x'])).code, 2)
})

async function recorded(t: TestContext, args: readonly string[]) {
  const folder = temporaryFolder(t)
  const file = join(folder, 'events.ndjson')
  const transcript = join(folder, 'transcript.txt')
  writeFileSync(file, Array.from({ length: 200 }, (_, id) => `{"id":${id}}\n`).join(''))
  const all = ['--input', file, '--protocol', 'stdio', '--record', transcript, ...args, ...fixture('patient')]
  assert.equal((await run(t, ['dev', ...all])).code, 0)
  return { folder, transcript }
}

function replay(t: TestContext, transcript: string, name: string, args: readonly string[] = []) {
  return run(t, ['replay', transcript, '--protocol', 'stdio', ...args, ...fixture(name)])
}
