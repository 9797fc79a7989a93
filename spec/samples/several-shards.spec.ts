// The program of its page, under the faults that it speaks of; and the metrics of several sessions in one registry.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachShard } from 'kcl-session'
import { observeWithPrometheus } from 'kcl-session/metrics'
import { TestWorker } from 'kcl-session/testing'
import client from 'prom-client'
import { run } from '../helpers/command.ts'

const INPUT = ['--input', 'samples/data/earthquakes.ndjson', '--key', 'id', '--shards', '4']
const CONSUMER = ['--', process.execPath, 'dist/samples/several-shards/consumer.js']

test('one process counts the records of all shards, and each line tells its shard', async (t) => {
  const { code, stderr, stdout } = await run(t, ['dev', '--shared', ...INPUT, ...CONSUMER])
  assert.equal(code, 0, stderr)
  const text = stdout + stderr
  assert.match(text, /^strong: 85$/m)
  for (const shard of [0, 1, 2, 3])
    assert.match(text, new RegExp(`^shardId-00000000000${shard} \\| done$`, 'm'))
})

test('loses nothing when the process is killed, a shard is split and checkpoints are refused', async (t) => {
  const faults = [
    'kill-consumer:@100/0',
    'split:@200/1',
    'refuse=ThrottlingException:x3',
    'lease-lost:@100/2',
  ]
  const args = faults.flatMap((fault) => ['--fault', fault])
  const { code, stderr } = await run(t, ['dev', '--shared', '--strict', ...args, ...INPUT, ...CONSUMER])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /1,707 of 1,707 records acknowledged and (all )?checkpointed over 6 shards/)
  assert.match(stderr, /^lost +none$/m)
})

test('one registry has the metrics of all sessions, by their shard', async () => {
  const worker = new TestWorker({ shards: 2 })
  const registry = new client.Registry()
  const running = eachShard(
    async (session) => {
      observeWithPrometheus(session, { client, registry })
      for await (const batch of session.batches()) batch.skipRest()
    },
    { ...worker.host, logger: false },
  )
  await worker.shard(0).deliver(['a', 'b'])
  await worker.shard(1).deliver(['c'])
  const text = await registry.metrics()
  for (const shard of ['shardId-000000000000', 'shardId-000000000001']) assert.match(text, new RegExp(shard))
  await worker.end()
  await running
  registry.clear()
})
