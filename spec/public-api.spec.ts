// The public API, locked: the declarations behind the public names, as the compiler emits them and without their
// comments, are compared with spec/public-api/index.d.ts.txt. What is added there is a promise for years.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import * as library from '../lib/index.ts'

const COMPILED = new URL('../lib/', import.meta.url)
const SNAPSHOT = new URL('../../spec/public-api/index.d.ts.txt', import.meta.url)
const ADVICE =
  'The public API is not what spec/public-api/index.d.ts.txt says. If that is what you want, run ' +
  '`KCL_UPDATE_API=1 node dist/spec/run.js public-api`, look at what changed, and tell it in CHANGELOG.md.'

test('the declarations of the public names are the ones that were agreed on', () => {
  const declarations = publicDeclarations('index.d.ts')
  if (process.env.KCL_UPDATE_API) writeFileSync(SNAPSHOT, declarations)
  const agreed = readFileSync(SNAPSHOT, 'utf8')
  if (declarations !== agreed) assert.fail(`${ADVICE}\n\n${difference(agreed, declarations)}`)
})

test('at run time there are these names and no others', () => {
  assert.deepEqual(Object.keys(library).sort(), [
    'ChannelClosedError',
    'CheckpointError',
    'DaemonProtocolError',
    'KclError',
    'KclSession',
    'LeaseLostError',
    'RecordError',
    'UsageError',
    'allOf',
    'anyOf',
    'eachShard',
    'everyBatch',
    'everyBytes',
    'everyInterval',
    'everyRecords',
    'manual',
  ])
})

test('a class shows the members that were agreed on, and keeps its workings to itself', () => {
  const members = (type: { prototype: object }): string[] => Object.getOwnPropertyNames(type.prototype).sort()
  assert.deepEqual(members(library.KclSession), [
    'batches',
    'checkpoint',
    'checkpointed',
    'close',
    'constructor',
    'forEach',
    'shard',
    'signal',
    'state',
    'stats',
  ])
})

/** The public names of a file, then every declaration that they need, by file and in the order of the file. */
function publicDeclarations(entry: string): string {
  const needed = new Map<string, Set<string>>()
  const follow = (file: string, name: string): void => {
    const statements = readStatements(file)
    const declared = statements.filter((statement) => statement.declares === name)
    if (declared.length > 0) {
      const names = needed.get(file) ?? new Set()
      if (names.has(name)) return
      needed.set(file, names.add(name))
      for (const word of declared.flatMap(({ text }) => text.match(/[\w$]+/g) ?? [])) follow(file, word)
      return
    }
    for (const { from, names } of statements) {
      const known = names?.get(name)
      if (from?.startsWith('.') && known !== undefined) {
        follow(posix.join(posix.dirname(file), toDeclaration(from)), known)
      }
    }
  }
  const entries = readStatements(entry)
  for (const { names } of entries) for (const name of names?.keys() ?? []) follow(entry, name)
  const files = [...needed].sort(([a], [b]) => (a < b ? -1 : 1))
  const texts = files.map(([file, names]) => [
    `// ${file}`,
    ...readStatements(file)
      .filter(({ declares }) => declares !== undefined && names.has(declares))
      .map(({ text }) => text),
  ])
  return `${[[`// ${entry}`, ...entries.map(({ text }) => text)], ...texts].map((lines) => lines.join('\n')).join('\n\n')}\n`
}

interface Statement {
  readonly text: string
  readonly declares?: string
  readonly from?: string
  /** Of an import or export: the name here, and the name in the other file. */
  readonly names?: ReadonlyMap<string, string>
}

// The compiler begins each statement of a file at the beginning of a line, and nothing else.
function readStatements(file: string): Statement[] {
  const source = readFileSync(new URL(file, COMPILED), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\/\/.*$/gm, '')
    .replace(/^\s*\n/gm, '')
  return source
    .split(/^(?=\w)/m)
    .map((text) => text.trimEnd())
    .filter((text) => text !== '')
    .map(readStatement)
}

function readStatement(text: string): Statement {
  const from = /from '([^']+)';$/.exec(text)?.[1]
  if (from === undefined) {
    const [, name] =
      /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function) (\w+)/.exec(
        text,
      ) ?? []
    return name === undefined ? { text } : { text, declares: name }
  }
  const list = /\{([^}]*)\}/.exec(text)?.[1] ?? ''
  const names = list
    .split(',')
    .map((part) => part.trim().replace(/^type /, ''))
    .filter((part) => part !== '')
    .map((part): [string, string] => {
      const [there = '', here = there] = part.split(' as ')
      return [here, there]
    })
  return { text, from, names: new Map(names) }
}

function toDeclaration(specifier: string): string {
  return specifier.replace(/\.[jt]s$/, '.d.ts')
}

/** The lines that went and came, each with its place. */
function difference(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const lines: string[] = []
  const count = (list: string[], line: string): number => list.filter((other) => other === line).length
  old.forEach((line, index) => {
    if (count(old.slice(0, index + 1), line) > count(now, line)) lines.push(`- ${index + 1}: ${line}`)
  })
  now.forEach((line, index) => {
    if (count(now.slice(0, index + 1), line) > count(old, line)) lines.push(`+ ${index + 1}: ${line}`)
  })
  return lines.length > 0 ? lines.join('\n') : 'The same lines stand in another order.'
}
