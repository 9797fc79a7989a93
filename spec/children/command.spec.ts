import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  checkCommand,
  protocolFor,
  protocolHint,
  shellQuote,
  shellScript,
} from '../../lib/children/command.ts'
import { UsageError } from '../../lib/errors.ts'

test('speaks on descriptors with node itself, and on stdin and stdout with everything else', () => {
  assert.equal(protocolFor(['node', 'consumer.js']), 'fds')
  assert.equal(protocolFor(['/opt/node/bin/node', '--import', 'tsx', 'consumer.ts']), 'fds')
  assert.equal(protocolFor(['nodejs', 'consumer.js']), 'fds')
  for (const word of ['npx', 'npm', 'pnpm', 'yarn', 'tsx', 'ts-node', 'nodemon', 'python3', './consumer']) {
    assert.equal(protocolFor([word, 'consumer']), 'stdio', word)
  }
})

test('keeps stdin and stdout under node --watch, which runs the script in a child of its own', () => {
  assert.equal(protocolFor(['node', '--watch', 'consumer.js']), 'stdio')
  assert.equal(protocolFor(['node', '--watch-path=lib', 'consumer.js']), 'stdio')
  assert.equal(protocolFor(['node', 'consumer.js', '--watch']), 'fds')
})

test('uses the protocol that was asked for', () => {
  assert.equal(protocolFor(['node', 'consumer.js'], 'stdio'), 'stdio')
  assert.equal(protocolFor(['./consumer'], 'fds'), 'fds')
})

test('says why a command cannot be started', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'plain'), '')
  writeFileSync(join(folder, 'consumer.js'), '')
  writeFileSync(join(folder, 'tool'), '#!/bin/sh\n')
  chmodSync(join(folder, 'tool'), 0o755)
  mkdirSync(join(folder, 'folder'))
  const refused = (words: readonly string[], text: RegExp): void => {
    assert.throws(
      () => checkCommand(words, { cwd: folder }),
      (error) => error instanceof UsageError && text.test(error.message),
      words.join(' '),
    )
  }
  refused([], /There is no command/)
  refused([''], /There is no command/)
  refused(['no-such-program-anywhere'], /no such program on the PATH/)
  refused(['./missing'], /there is no .*missing/)
  refused(['./plain'], /not executable \(chmod \+x \.\/plain\)/)
  refused(['./folder'], /it is a folder/)
  refused(['node', 'missing.js'], /there is no .*missing\.js/)
  checkCommand(['node', 'consumer.js'], { cwd: folder })
  checkCommand(['node', 'consumer'], { cwd: folder })
  checkCommand(['node', '--import', 'tsx', 'consumer.ts'], { cwd: folder })
  checkCommand(['./tool'], { cwd: folder })
  checkCommand(['tool'], { cwd: folder, env: { PATH: `/nowhere:${folder}` } })
})

test('quotes words so that sh hands them on unchanged', () => {
  const words = [
    'plain',
    '',
    'two words',
    "it's",
    '"',
    '$HOME',
    '`id`',
    '\\',
    '*',
    '~',
    'new\nline',
    'ümläut',
    '!',
    '-n',
  ]
  const script = shellScript(
    [process.execPath, '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...words],
    'stdio',
  )
  const { stdout } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(stdout), words)
})

test('leaves a consumer that is not Node deaf to the signals of whoever stops its whole group', (t) => {
  if (process.platform === 'win32') return t.skip('there is no /bin/sh')
  const others = shellScript(['sh', '-c', 'kill -TERM $$; kill -INT $$; kill -HUP $$; echo alive'], 'stdio')
  assert.equal(spawnSync('/bin/sh', ['-c', others], { encoding: 'utf8' }).stdout, 'alive\n')
  assert.doesNotMatch(shellScript([process.execPath, 'consumer.js'], 'stdio'), /trap/)
})

test('names --protocol=stdio to who ended in peace without a word of ours', () => {
  const hint = (...words: string[]): boolean => protocolHint('fds', 0, words) !== undefined
  assert.deepEqual([hint(), hint('begun'), hint('kcl-session: the process ends')], [true, true, false])
  assert.equal(protocolHint('fds', 1, []), undefined)
  assert.equal(protocolHint('stdio', 0, []), undefined)
})

test('refuses a word that no process can be given', () => {
  assert.throws(() => shellQuote('a\0b'), UsageError)
})

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcl-session-command-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
