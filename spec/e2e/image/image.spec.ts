// The Dockerfile of the guide, done step by step in an empty root for each stage, because a container engine is seldom
// there; and what it starts, as its user, without a network, with nothing to write to, on the local stack.

import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fetchServers } from '../../../lib/local/servers.ts'
import { MAIN, temporaryFolder } from '../../helpers/command.ts'
import { pack } from '../../helpers/packed.ts'
import { whyNot } from '../stack.ts'
import { buildImage } from './build.ts'
import { Pod } from './container.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const TEXTS = Array.from({ length: 20 }, (_, at) => `word ${at}.`)

const reason = await whyNoImage()
if (reason !== false) console.error(`The Dockerfile is not tried: ${reason}.`)

test('the Dockerfile makes an image that consumes as a user who may write nothing, answers probes and drains', {
  skip: reason,
  timeout: 460_000,
}, async (t) => {
  const folder = temporaryFolder(t)
  const context = join(folder, 'context')
  mkdirSync(context)
  // Ahead, because there is no network in the pod.
  await fetchServers({ environment: process.env, note: (text) => console.error(text) })
  const pod = await Pod.start(t)
  const config = join(context, 'app.properties')
  const local = pod.start([process.execPath, MAIN, 'local', `--write=${config}`])
  await local.seen(/Ctrl-C ends it/)
  await fillContext(t, context)

  const { root, config: settings, entrypoint } = await buildImage(t, context, folder)
  t.diagnostic(await weights(root))
  const kept = ['app.properties', 'consumer.mjs', 'node_modules', 'package-lock.json', 'package.json']
  assert.deepEqual(readdirSync(join(root, 'app')).sort(), kept)
  assert.equal(existsSync(join(root, 'app', 'node_modules', 'of-this-machine')), false)

  const input = join(folder, 'words.ndjson')
  writeFileSync(input, TEXTS.map((text) => `${JSON.stringify({ text })}\n`).join(''))
  const put = await pod.start([process.execPath, MAIN, 'put', `--config=${config}`, `--input=${input}`]).ended
  assert.equal(put.code, 0, put.stderr)

  assert.equal(settings.user, '10001')
  const container = pod.run(root, settings, entrypoint)
  for (const text of TEXTS) await container.running.seen(new RegExp(`shardId-\\d+ \\S+ .*${text}`))
  const probe = await container.exec([entrypoint[0] ?? '', 'probe', 'ready'])
  assert.equal(probe.code, 0, probe.stderr)
  const writes = ['/bin/sh', '-c', 'id -u; for place in . /tmp /opt; do touch $place/x && echo $place; done']
  assert.equal((await container.exec(writes)).stdout, '10001\n')

  container.kill('SIGTERM')
  const { code, stderr } = await container.running.ended
  assert.equal(code, 0, stderr)
  assert.equal(stderr.match(/Stored a position/g)?.length, 2, stderr)
  assert.match(stderr, /Stopped; every consumer was done/)
  local.child.kill('SIGTERM')
  assert.equal((await local.ended).code, 0)
})

// What a user has in the folder: the package comes from a registry, here from this process.
async function fillContext(t: TestContext, context: string): Promise<void> {
  const samples = join(ROOT, 'samples', 'deploying')
  for (const file of ['Dockerfile', '.dockerignore']) copyFileSync(join(samples, file), join(context, file))
  const [, program = ''] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
  writeFileSync(join(context, 'consumer.mjs'), program)
  const dependencies = { 'kcl-session': await servePackage(t, context) }
  writeFileSync(join(context, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await run('npm', ['install', '--package-lock-only'], { cwd: context })
  mkdirSync(join(context, 'node_modules', 'of-this-machine'), { recursive: true })
}

async function servePackage(t: TestContext, folder: string): Promise<string> {
  const { filename } = await pack(folder)
  const file = readFileSync(join(folder, filename))
  rmSync(join(folder, filename))
  const server = createServer((_, response) => response.end(file))
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/${filename}`
}

async function weights(root: string): Promise<string> {
  const places = ['app/node_modules', 'opt/kcl-session/jars', 'usr/local/bin/node', '.']
  const { stdout } = await run('du', ['--summarize', '--block-size=1M', ...places], { cwd: root })
  return `MiB, the rest last: ${stdout.trim().replaceAll('\t', ' ').replaceAll('\n', ', ')}`
}

/** Why the Dockerfile cannot be tried here, or false. Throws where it must be. */
async function whyNoImage(): Promise<string | false> {
  const missing = await whatIsMissing()
  if (missing !== false && process.env.KCL_SESSION_REQUIRE_IMAGE === '1') {
    throw new Error(`KCL_SESSION_REQUIRE_IMAGE=1, but ${missing}.`)
  }
  return missing !== false && `${missing}; KCL_SESSION_REQUIRE_IMAGE=1 makes this a failure`
}

async function whatIsMissing(): Promise<string | false> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'this is not Linux on x64'
  if (process.getuid?.() !== 0) return 'this is not root'
  for (const program of ['mmdebstrap', 'apt-config', 'unshare', 'nsenter', 'setpriv', 'ip']) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `there is no ${program}`
  }
  const { status } = spawnSync('unshare', ['--mount', '--net', '--pid', '--fork', 'true'])
  return status === 0 ? await whyNot() : 'there are no namespaces to be had'
}
