// The services of their page: one answers while it consumes and closes in peace, the other is wired by the real NestJS.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { run, start } from '../helpers/command.ts'
import { fetchedProgram, packedProject } from '../helpers/packed.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const DEV = ['dev', '--input', join(ROOT, 'samples/data/earthquakes.ndjson'), '--key', 'id']
const NEST = ['@nestjs/common@12', '@nestjs/core@12', 'reflect-metadata@0.2', 'rxjs@7']

test('the service on node:http answers while it consumes, and closes in peace when it is stopped', async (t) => {
  const consumer = [process.execPath, 'dist/samples/service/consumer.js']
  const running = start(t, [...DEV, '--follow', '--', ...consumer])
  const [address] = await running.seen(/http:\/\/127\.0\.0\.1:\d+/)
  let answer = ''
  while (answer !== '85\n') answer = await (await fetch(address)).text()
  running.child.kill('SIGTERM')
  const { code, stdout, stderr } = await running.ended
  assert.match(stdout + stderr, /closed, strong: 85/)
  assert.equal(code, 143)
})

test('the service on NestJS has its parts injected, and closes them after the last record', {
  timeout: 300_000,
}, async (t) => {
  const modules = ['tslog', '@js-temporal/polyfill', 'jsbi', '@types/node', 'undici-types']
  const project = await packedProject('module', modules)
  t.after(() => rm(project, { recursive: true }))
  const folder = join(project, 'nest')
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}')
  for (const file of ['consumer.ts', 'tsconfig.json'])
    await copyFile(join(ROOT, 'samples/service/nest', file), join(folder, file))
  await promisify(execFile)('npm', ['install', '--prefer-offline', ...NEST], { cwd: folder })
  const tsc = await fetchedProgram('tsc', 'typescript@5.9')
  await promisify(execFile)(tsc, [], { cwd: folder })
  const { code, stdout, stderr } = await run(t, [
    ...DEV,
    '--',
    process.execPath,
    join(folder, 'dist/consumer.js'),
  ])
  assert.match(stdout + stderr, /closed, strong: 85/)
  assert.match(stdout + stderr, /1,707 of 1,707 records acknowledged and checkpointed/)
  assert.equal(code, 0)
})
