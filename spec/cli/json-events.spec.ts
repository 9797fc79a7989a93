import assert from 'node:assert/strict'
import { test } from 'node:test'
import { JSON_EVENTS, type JsonEvent } from '../../lib/cli/json-events.ts'
import { run } from '../helpers/command.ts'

test('what dev --json tells has the fields of the table, and no others', async (t) => {
  const faults = ['refuse=ThrottlingException', 'kill-daemon:@200/1', 'lease-lost:@100/2'].flatMap(
    (fault) => ['--fault', fault],
  )
  const input = ['--input', 'samples/data/earthquakes.ndjson', '--key', 'id', '--shards', '4']
  const consumer = ['--', process.execPath, 'dist/samples/print/consumer.js']
  const { stdout } = await run(t, ['dev', '--json', ...input, ...faults, ...consumer])
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: JsonEvent })
  const names = new Set(events.map(({ event }) => event))
  for (const name of ['begin', 'started', 'checkpointed', 'refused', 'fault', 'ended', 'summary'] as const)
    assert.ok(names.has(name), name)
  for (const { event, ...fields } of events)
    assert.deepEqual(Object.keys(fields).sort(), Object.keys(JSON_EVENTS[event].fields).sort(), event)
})
