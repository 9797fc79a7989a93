// Whatever a page says of the command line is there: commands and options, in blocks and in the text.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { catalogue } from '../../lib/launcher/configuration/catalogue/catalogue.ts'

const root = new URL('../../../', import.meta.url)
const pages = [
  'README.md',
  'lib/launcher/README.md',
  ...readdirSync(new URL('samples', root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `samples/${file}`),
]
const help = (...words: string[]): string =>
  execFileSync(process.execPath, [fileURLToPath(new URL('dist/lib/cli/main.js', root)), ...words, '--help'], {
    encoding: 'utf8',
  })
const commands = [...help().matchAll(/^ {2}(\w+) /gm)].map(([, name = '']) => name)
const optionsOf = new Map(commands.map((name) => [name, new Set(optionsIn(help(name)))]))
const every = new Set([...optionsOf.values()].flatMap((options) => [...options]))
// Each property of the daemon is a flag.
const properties = new Set(
  [...catalogue.keys()].flatMap((name) => [
    `--${name}`,
    `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/^-/, '')}`,
  ]),
)
// In a block, or in code: "kcl-session is" in a sentence is none.
const COMMAND = /(?:^|`|npx )kcl-session ([a-z]+)\b([^`|#]*)/g
// In code, with or without the command in front.
const ALONE = /`((?:(?:run|dev|check|status|reset|put|local|jars) )?--[a-z][^`]*)`/g
// Of Docker, and of every command.
const OTHERS = ['--init', '--verbose']

test('every command that the pages name is there, and has the options that they give it', () => {
  const named = pages.flatMap((page) =>
    read(page)
      .flatMap((line) => [...line.matchAll(COMMAND)])
      .map(([, name = '', rest = '']) => ({ page, name, options: optionsIn(rest.split(/ -- /)[0] ?? '') })),
  )
  assert.ok(named.length > 60, `${named.length} commands`)
  const isKnown = (name: string, option: string): boolean =>
    optionsOf.get(name)?.has(option) === true || properties.has(option)
  const stray = named.filter(
    ({ name, options }) => !commands.includes(name) || options.some((option) => !isKnown(name, option)),
  )
  assert.deepEqual(stray, [])
})

test('every option that stands alone in a text is one of some command', () => {
  const named = pages.flatMap((page) =>
    read(page)
      .flatMap((line) => [...line.matchAll(ALONE)].map(([, code = '']) => code.split(/ -- /)[0] ?? ''))
      .flatMap((code) => optionsIn(code).map((option) => ({ page, option }))),
  )
  assert.ok(named.length > 60, `${named.length} options`)
  const isKnown = (option: string): boolean =>
    every.has(option) || properties.has(option) || OTHERS.includes(option)
  assert.deepEqual(
    named.filter(({ option }) => !isKnown(option)),
    [],
  )
})

test('an option that there is not is found out', () => {
  assert.ok(!optionsOf.get('dev')?.has('--shard'))
  assert.ok(properties.has('--stream-name') && properties.size > 50, `${properties.size} properties`)
})

// As one line what is broken by a backslash.
function read(page: string): string[] {
  return readFileSync(new URL(page, root), 'utf8').replaceAll('\\\n', ' ').split('\n')
}

function optionsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--[a-z][A-Za-z-]*/g)].map(([option]) => option)
}
