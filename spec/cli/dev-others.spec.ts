// Other people's consumers, under the embedded daemon: the official clients of Node and of Python.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, temporaryFolder } from '../helpers/command.ts'

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

// The package is pure Python, but installing it fetches the daemon's jars: so its sources are fetched once, unpacked
// and put on Python's path. Returns why that cannot be, or null.
function withoutKclpy(): string | null {
  const cache = resolve('node_modules/.cache/kcl-session-spec')
  const sources = join(cache, KCLPY_SOURCES)
  if (spawnSync('python3', ['-c', 'import amazon_kclpy']).status === 0) return null
  if (spawnSync('python3', ['--version']).status !== 0) return 'there is no python3'
  if (!existsSync(sources)) {
    const fetched = `${cache}/fetch-${process.pid}`
    mkdirSync(fetched, { recursive: true })
    const [name, version] = [KCLPY_SOURCES.slice(0, -6), KCLPY_SOURCES.slice(-5)]
    const args = [
      '-m',
      'pip',
      'download',
      '-q',
      '--no-deps',
      '--no-binary',
      ':all:',
      '-d',
      fetched,
      `${name}==${version}`,
    ]
    const pip = spawnSync('python3', args, { encoding: 'utf8', timeout: 120_000 })
    const archive = readdirSync(fetched).find((file) => file.endsWith('.tar.gz'))
    if (archive === undefined) {
      rmSync(fetched, { recursive: true })
      return `pip could not fetch ${name} ${version}: ${pip.stderr.trim().split('\n').at(-1) ?? ''}`
    }
    spawnSync('tar', ['xzf', archive], { cwd: fetched })
    renameSync(join(fetched, KCLPY_SOURCES), sources)
    rmSync(fetched, { recursive: true })
  }
  process.env.PYTHONPATH = [sources, ...(process.env.PYTHONPATH ?? '').split(delimiter)]
    .filter(Boolean)
    .join(delimiter)
  return null
}

const KCLPY_SOURCES = 'amazon_kclpy-3.1.3'
