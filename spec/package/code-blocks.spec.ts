// Every code block of the documents, and every @example, compiles for a reader who copies it: from the package as it would be published,
// with old and new compilers, in an empty project of ES modules and in one of CommonJS, where it is a file named .mts.
// A block whose first line is a comment with a file name is compiled under that name, in both.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fetchedProgram, packedProject } from '../helpers/packed.ts'

const run = promisify(execFile)
const ROOT = new URL('../../../', import.meta.url)
// Those of the documents, and nothing else: an empty project has the package, its own dependencies and Node's types.
const MODULES = ['@js-temporal/polyfill', 'jsbi', 'tslog', '@types/node', 'undici-types']
const OPTIONS = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  target: 'es2022',
  types: ['node'],
}
const OLDER = ['5.4', '5.9', '6.0']
const { version: typescript } = JSON.parse(
  readFileSync(new URL('node_modules/typescript/package.json', ROOT), 'utf8'),
)

describe('the code blocks of the documents', { timeout: 300_000 }, () => {
  let project = ''
  before(async () => {
    project = await packedProject('module', MODULES)
    for (const type of ['module', 'commonjs'] as const) await writeProject(join(project, type), type)
    await writeFile(
      join(project, 'globals.d.ts'),
      readFileSync(new URL('spec/package/code-blocks.d.ts.txt', ROOT)),
    )
    const compilerOptions = { ...OPTIONS, module: 'nodenext' }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  })
  after(() => rm(project, { recursive: true }))

  for (const version of [...OLDER, 'ours']) {
    it(`compile in both projects with TypeScript ${version === 'ours' ? typescript : version}`, async () => {
      const compiler =
        version === 'ours'
          ? fileURLToPath(new URL('node_modules/.bin/tsc', ROOT))
          : await fetchedProgram('tsc', `typescript@${version}`)
      const { stdout } = await run(compiler, [], { cwd: project }).catch((error: { stdout: string }) => error)
      assert.equal(stdout, '')
    })
  }

  it('are told apart from code that does not compile', async () => {
    await writeFile(join(project, 'module', 'wrong.ts'), 'session.batchs()\nexport {}\n')
    const compiler = fileURLToPath(new URL('node_modules/.bin/tsc', ROOT))
    await assert.rejects(run(compiler, [], { cwd: project }), {
      stdout: /^module\/wrong\.ts\(1,9\): error TS2551/,
    })
  })

  it('can be run from CommonJS, too, by import() and by require()', async () => {
    const program = `
      import('kcl-session').then((imported) => {
        console.log(typeof imported.KclSession, require('kcl-session').KclSession === imported.KclSession)
      })`
    const { stdout } = await run(process.execPath, ['--no-warnings', '--eval', program], {
      cwd: join(project, 'commonjs'),
    })
    assert.equal(stdout, 'function true\n')
  })
})

async function writeProject(folder: string, type: 'module' | 'commonjs'): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type }))
  const blocks = codeBlocks()
  assert.ok(blocks.length > 5, `only ${blocks.length} blocks were found`)
  for (const { name, text } of blocks) {
    const extension = /^\/\/ [\w-]+(\.[cm]?ts)\b/.exec(text)?.[1] ?? (type === 'module' ? '.ts' : '.mts')
    await writeFile(join(folder, `${name}${extension}`), `${text}\nexport {}\n`)
  }
}

// Those that are a sample's whole program are compiled, and run, as such.
function codeBlocks(): { name: string; text: string }[] {
  const samples = new Set(
    readdirSync(new URL('samples', ROOT), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.[cm]?[jt]s$/.test(file))
      .map((file) => readFileSync(new URL(`samples/${file}`, ROOT), 'utf8')),
  )
  return [
    ...blocksOf(documents('.md'), /^```[tj]sx?\n([\s\S]*?)^```$/gm).filter(({ text }) => !samples.has(text)),
    ...blocksOf(documents('.ts'), /^ *\* @example\n((?: *\* .*\n)+)/gm),
  ]
}

function blocksOf(files: readonly string[], pattern: RegExp): { name: string; text: string }[] {
  return files.flatMap((file) => {
    const name = file.replaceAll(/\W+/g, '-')
    const blocks = readFileSync(new URL(file, ROOT), 'utf8').matchAll(pattern)
    return [...blocks].map(([, text = ''], index) => ({
      name: `${name}-${index + 1}`,
      text: text.replaceAll(/^ *\* /gm, ''),
    }))
  })
}

function documents(extension: '.md' | '.ts'): string[] {
  const folders = extension === '.md' ? ['lib', 'samples', 'spec'] : ['lib']
  const below = folders.flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' }).map(
      (file) => `${folder}/${file}`,
    ),
  )
  return [...readdirSync(ROOT), ...below].filter((file) => file.endsWith(extension)).sort()
}
