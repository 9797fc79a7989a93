import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { run, temporaryFolder } from '../helpers/command.ts'

const LINES = '{"id":1,"mail":"a@b"}\n{"id":2,"mail":"c@d"}\n{"id":3,"mail":"a@b"}\n'

test('reads what is no JSON, and keeps its state', async (t) => {
  const { file, dev } = setup(t, 'one\ntwo\nthree\n')
  const state = ['--format', 'text', '--state', join(file, '..', 'state')]
  assert.deepEqual((await dev(file, state)).texts, ['one', 'two', 'three'])
  writeFileSync(file, 'one\ntwo\nthree\nfour\n')
  assert.deepEqual((await dev(file, state)).texts, ['four'])
  const { code, stderr } = await dev(file, ['--format', 'base64', ...state.slice(2)])
  assert.match(stderr, /was made with no --key --format text, not with no --key --format base64/)
  assert.equal(code, 2)
})

test('takes data, keys and the shard from fields, and compresses records one by one', async (t) => {
  const lines = [0n, 2n ** 127n, 2n ** 128n - 1n].map(
    (hash, at) => `${JSON.stringify({ text: `text ${at}`, id: 'same', hash: String(hash) })}\n`,
  )
  const { file, dev } = setup(t, lines.join(''))
  const fields = ['--data', 'text', '--key', 'id', '--explicit-hash-key', 'hash']
  const { stderr, texts } = await dev(file, [...fields, '--shards', '2'])
  assert.deepEqual(texts.sort(), ['text 0', 'text 1', 'text 2'])
  assert.match(stderr, /shardId-000000000000 +1 +1 +1/)
  assert.match(stderr, /shardId-000000000001 +2 +2 +2/)
  const kept = join(file, '..', 'kept.ndjson')
  await dev(file, ['--gzip', '--record', kept])
  const { Data } = JSON.parse(readFileSync(kept, 'utf8').split('\n')[0] ?? '')
  assert.equal(`${gunzipSync(Buffer.from(Data, 'base64'))}\n`, lines[0])
})

test('takes back what it has recorded, as records and as a transcript', async (t) => {
  const { file, dev } = setup(t, LINES)
  const kept = join(file, '..', 'kept.ndjson')
  const transcript = join(file, '..', 'run.txt')
  const first = await dev(file, ['--key', 'mail', '--record', kept])
  await dev(file, ['--key', 'mail', '--record', transcript])
  assert.equal(first.texts.length, 3)
  for (const again of [await dev(kept, []), await dev(transcript, [])]) {
    assert.deepEqual(again.got, first.got)
  }
})

test('keeps personal data out of what it records', async (t) => {
  const { file, dev } = setup(t, LINES)
  for (const name of ['kept.ndjson', 'run.txt']) {
    const record = join(file, '..', name)
    await dev(file, ['--key', 'mail', '--record', record, '--redact', 'mail'])
    const { texts } = await dev(record, [])
    assert.deepEqual(
      texts.sort(),
      [1, 2, 3].map((id) => `{"id":${id},"mail":"redacted"}`),
    )
    assert.doesNotMatch(readFileSync(record, 'utf8'), /a@b|c@d/)
    await dev(file, ['--record', record, '--elide-data'])
    assert.match((await dev(record, [])).stderr, /the data were left out when this was written/)
  }
})

test('refuses formats and fields that do not go together', async (t) => {
  const { file, dev } = setup(t, LINES)
  for (const [args, pattern] of [
    [['--format', 'text', '--key', 'id'], /--key does not go with --format text/],
    [['--format', 'records', '--gzip'], /--gzip does not go with --format records/],
    [['--format', 'xml'], /json, text, base64, frames, records, transcript/],
    [['--data', 'text', '--follow'], /Nothing can be added to/],
    [['--redact', 'mail'], /--redact says how to write/],
  ] as const) {
    const { code, stderr } = await dev(file, args)
    assert.match(stderr, pattern)
    assert.equal(code, 2)
  }
})

function setup(t: TestContext, text: string) {
  const file = join(temporaryFolder(t), 'in.txt')
  writeFileSync(file, text)
  const consumer = ['--protocol', 'stdio', '--', process.execPath, 'spec/daemon/fixtures/tell-and-store.js']
  const dev = async (input: string, args: readonly string[]) => {
    const { code, stderr } = await run(t, ['dev', '--input', input, ...args, ...consumer])
    // Text and key of each record.
    const got = [...stderr.matchAll(/GOT (.*)$/gm)].map((match) => JSON.parse(match[1] ?? '').slice(0, 2))
    return { code, stderr, got, texts: got.map(([one]) => one as string) }
  }
  return { file, dev }
}
