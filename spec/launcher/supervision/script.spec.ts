import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type DaemonPlan, daemonStart } from '../../../lib/launcher/supervision/script.ts'
import { temporaryFolder } from '../../helpers/command.ts'

// A namespace in which nothing can be written, and sh is a bash that keeps here-documents in files.
const READ_ONLY = [
  '-rm',
  '/bin/bash',
  '-c',
  `set -e
mount --bind "$(command -v bash)" "$(readlink -f /bin/sh)"
while read -r _ place _; do
  case $place in /proc*|/sys*|/dev/pts|/dev) ;; *) mount -o remount,ro,bind "$place" 2>/dev/null || :;; esac
done </proc/mounts
exec "$@"`,
  'bash',
]
const HERE = ['/bin/sh', '-c', 'cat <<END\nx\nEND\n']
const skip =
  !/cannot create temp file/.test(inNamespace(HERE, 'ignore').stderr ?? '') &&
  'such a namespace cannot be made here'

test('hands Java its properties without a file, where sh would write one', { skip }, (t) => {
  const folder = temporaryFolder(t)
  const [java, orderly] = [join(folder, 'java'), join(folder, 'orderly')]
  writeFileSync(java, '#!/bin/sh\ncat /dev/stdin\n', { mode: 0o755 })
  const { script } = daemonStart({ ...PLAN, java })
  // One line on descriptor 3 is an orderly end.
  writeFileSync(orderly, '\n')
  const descriptor = openSync(orderly, 'r')
  const { stdout, stderr } = inNamespace(['/bin/sh', '-c', script], descriptor)
  closeSync(descriptor)
  assert.deepEqual([stdout.trimEnd(), stderr], ['streamName=words', ''])
})

const PLAN: DaemonPlan = {
  java: 'java',
  classPath: ['/jars/one.jar'],
  logback: '/logback.xml',
  javaOptions: [],
  rootLevel: 'INFO',
  properties: [['streamName', 'words']],
  command: ['node', 'consumer.js'],
  protocol: 'fds',
  shared: false,
  environment: { own: {}, restored: {} },
  stopTimeout: 1000,
}

function inNamespace(command: readonly string[], descriptor3: number | 'ignore') {
  return spawnSync('unshare', [...READ_ONLY, ...command], {
    encoding: 'utf8',
    input: 'streamName=words\n',
    env: { ...process.env, BASH_COMPAT: '5.0' },
    stdio: ['pipe', 'pipe', 'pipe', descriptor3],
    timeout: 60_000,
  })
}
