// The first five minutes, as a user has them: the package as it would be published is installed into an empty folder, `init`
// writes a consumer, and its scripts work at once, in TypeScript and in JavaScript, in a folder of its own and in one that "npm init" made.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
// What npm wrote there, as "npm init -y" does.
const NEW_PROJECT = {
  name: 'shop',
  version: '1.0.0',
  type: 'commonjs',
  scripts: { test: 'echo "Error: no test specified" && exit 1', lint: 'true' },
}

describe('kcl-session init, from the package as it would be published', { timeout: 300_000 }, () => {
  let shop = ''
  before(async () => {
    shop = mkdtempSync(join(tmpdir(), 'kcl-session-init-'))
    writeFileSync(join(shop, 'package.json'), JSON.stringify(NEW_PROJECT))
    // Without its script: a build would take dist away under the specs that run beside this one.
    const pack = ['pack', '--ignore-scripts', '--pack-destination', shop, '--json']
    const [{ filename }] = JSON.parse((await npm(ROOT, pack)).stdout) as [{ filename: string }]
    await npm(shop, ['install', '--prefer-offline', `./${filename}`])
  })
  after(() => rmSync(shop, { recursive: true }))

  it('runs by the Node that runs this', async () => {
    const { stdout } = await npm(shop, ['exec', '-c', 'node --version'])
    assert.equal(stdout.trim(), process.version)
  })

  it('has the README’s first consumer run as pasted, with the README’s command, and print what the README says', async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
    const [consumer, command, line, end] = [
      /```ts\n([\s\S]*?)```/,
      /```sh\n(printf .*)\n```/,
      /your two lines, `(.*)`/,
      /```text\n(.*)\n```/,
    ].map((pattern) => pattern.exec(readme)?.[1] ?? assert.fail(`nothing in the README matches ${pattern}`))
    const folder = join(shop, 'pasted')
    mkdirSync(folder)
    writeFileSync(join(folder, 'consumer.mjs'), consumer ?? '')
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command ?? ''], {
      cwd: folder,
      env: environment(),
    })
    assert.ok((stdout + stderr).includes(`${line}\n`))
    assert.ok((stdout + stderr).includes(`${end}\n`))
  })

  it('writes a consumer in TypeScript into a new folder, where install, start and test work', async () => {
    const { stdout } = await npm(shop, ['exec', '--', 'kcl-session', 'init', 'orders'])
    assert.match(stdout, /^Wrote consumer\.ts, .* in orders\.\n\nNext:\n {2}cd orders\n {2}npm install\n/)
    const folder = join(shop, 'orders')
    await npm(folder, ['install', '--prefer-offline'])
    await worksIn(folder)
    const command = ['kcl-session', 'check', '--config=app.properties', '--', 'node', 'dist/consumer.js']
    assert.match((await npm(folder, ['exec', '--', ...command])).stdout, /^0 errors|^1 warning\.$/m)
  })

  it('writes one in JavaScript into a project that is there, and adds to its package.json what it lacks', async () => {
    await npm(shop, ['exec', '--', 'kcl-session', 'init', '--js'])
    await npm(shop, ['install', '--prefer-offline'])
    await worksIn(shop)
    const { scripts, type, dependencies, ...rest } = manifestIn(shop)
    assert.equal(scripts.lint, 'true')
    assert.equal(type, 'commonjs')
    assert.match(dependencies['kcl-session'] ?? '', /^file:/)
    assert.deepEqual(rest, { name: 'shop', version: '1.0.0' })
  })

  it('writes one in JavaScript into a new folder, too', async () => {
    await npm(shop, ['exec', '--', 'kcl-session', 'init', 'plain', '--js'])
    const folder = join(shop, 'plain')
    await npm(folder, ['install', '--prefer-offline'])
    await worksIn(folder)
  })

  it('overwrites nothing: what is there already is named, and nothing is written', async () => {
    const folder = join(shop, 'mine')
    mkdirSync(folder)
    writeFileSync(join(folder, 'consumer.ts'), '// mine\n')
    const failed = await npm(shop, ['exec', '--', 'kcl-session', 'init', 'mine']).catch((error) => error)
    assert.match(
      failed.stderr,
      /^kcl-session: \S+mine has consumer\.ts already, and nothing is overwritten\. .*\n$/m,
    )
    assert.equal(failed.code, 2)
    assert.deepEqual(readdirSync(folder), ['consumer.ts'])
    assert.equal(readFileSync(join(folder, 'consumer.ts'), 'utf8'), '// mine\n')
  })

  it('says in a line why it cannot write: a file in the place of the folder, a package.json that is none', async () => {
    writeFileSync(join(shop, 'a-file'), '')
    mkdirSync(join(shop, 'odd'))
    writeFileSync(join(shop, 'odd', 'package.json'), 'null')
    for (const [name, words] of [
      ['a-file', /^kcl-session: \S+a-file is a file\. Name a folder, .*\n$/m],
      ['odd', /^kcl-session: \S+package\.json is not an object of JSON\. .*\n$/m],
    ] as const) {
      const failed = await npm(shop, ['exec', '--', 'kcl-session', 'init', name]).catch((error) => error)
      assert.match(failed.stderr, words)
      assert.equal(failed.code, 2)
    }
    assert.deepEqual(readdirSync(join(shop, 'odd')), ['package.json'])
  })

  it('keeps a script of the user’s, and says so', async () => {
    const folder = join(shop, 'kept')
    mkdirSync(folder)
    const mine = {
      type: 'module',
      scripts: { start: 'node server.js' },
      dependencies: { 'kcl-session': '1' },
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(mine))
    const { stdout } = await npm(shop, ['exec', '--', 'kcl-session', 'init', 'kept', '--js'])
    assert.match(stdout, /^The script "start" of package\.json stays as it was\.$/m)
    const { scripts, dependencies } = manifestIn(folder)
    assert.equal(scripts.start, 'node server.js')
    assert.match(scripts.test ?? '', /^node --test consumer\.test\.js$/)
    assert.equal(dependencies['kcl-session'], '1')
  })
})

async function worksIn(folder: string): Promise<void> {
  const started = await npm(folder, ['start'])
  const text = started.stdout + started.stderr
  assert.equal(text.match(/order \d+: \w+ pays \d+$/gm)?.length, 40)
  assert.match(text, /40 of 40 records acknowledged and checkpointed over 2 shards/)
  const tested = await npm(folder, ['test'])
  assert.match(tested.stdout, /\bpass 2\n.*\bfail 0\n/s)
}

interface Manifest {
  readonly type: string
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function npm(folder: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)('npm', args, { cwd: folder, env: environment() })
}

// With the Node that runs this, and without what the runner of specs tells those that it starts.
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...others } = process.env
  return { ...others, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` }
}
