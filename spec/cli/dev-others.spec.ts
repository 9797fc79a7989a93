// Other people's consumers, under the embedded daemon: the official clients of Node and of Python.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, temporaryFolder } from '../helpers/command.ts'
import { pythonSources } from '../helpers/python.ts'

const AWS_KCL = [process.execPath, 'spec/daemon/fixtures/others/aws-kcl-consumer.js']
const KCLPY = ['python3', 'spec/daemon/fixtures/others/kclpy_consumer.py']
const FAULTS = ['shutdown:@60', 'split:@100/0', 'lease-lost:@40/1', 'empty:0.2', 'kill-daemon:@80/0']

test("runs a consumer of Amazon's client for Node", async (t) => {
  await delivers(t, AWS_KCL)
})

test("runs a consumer of Amazon's client for Node through faults", async (t) => {
  await survives(t, AWS_KCL)
})

test("runs a consumer of Amazon's client for Python", async (t) => {
  const reason = withoutKclpy()
  if (reason === null) await delivers(t, KCLPY)
  else t.skip(reason)
})

test("runs a consumer of Amazon's client for Python through faults", async (t) => {
  const reason = withoutKclpy()
  if (reason === null) await survives(t, KCLPY)
  else t.skip(reason)
})

async function delivers(t: TestContext, command: readonly string[]): Promise<void> {
  const { code, stderr } = await run(t, ['dev', ...input(t), '--', ...command])
  assert.match(stderr, /300 of 300 records acknowledged and checkpointed over 2 shards/)
  const ids = [...stderr.matchAll(/^shardId-\d+ \| GOT (.*)$/gm)].map(
    (match) => JSON.parse(match[1] ?? '').id,
  )
  assert.deepEqual(
    ids.toSorted((a, b) => a - b),
    Array.from({ length: 300 }, (_, id) => id),
  )
  assert.equal(code, 0)
}

async function survives(t: TestContext, command: readonly string[]): Promise<void> {
  const faults = FAULTS.flatMap((fault) => ['--fault', fault])
  const { code, stderr } = await run(t, ['dev', ...input(t), ...faults, '--', ...command])
  // A consumer may die between its checkpoint and its status.
  assert.match(stderr, /\d+ of 300 records acknowledged and (all )?checkpointed over 4 shards/)
  assert.match(stderr, /^lost +none$/m)
  assert.equal(code, 0)
}

function input(t: TestContext): string[] {
  const file = join(temporaryFolder(t), 'events.ndjson')
  writeFileSync(
    file,
    Array.from({ length: 300 }, (_, id) => `${JSON.stringify({ id, text: 'ü' })}\n`).join(''),
  )
  return ['--input', file, '--key', 'id', '--shards', '2', '--batch', '20', '--protocol', 'stdio']
}

// Puts the client's sources on Python's path. Returns why that cannot be, or null.
function withoutKclpy(): string | null {
  const sources = pythonSources('amazon_kclpy', '3.1.3')
  if ('missing' in sources) return sources.missing
  process.env.PYTHONPATH = sources.folder
  return null
}
