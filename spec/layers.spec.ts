// The rooms of lib and what may import what, held as one table and read from the sources.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, test } from 'node:test'

// From the ground up. A file imports only from its own room and from the lines above that room's here. A name with
// a slash is a folder and a room of its own; the files of one line share a room.
const ROOMS: readonly (readonly string[])[] = [
  ['errors.ts', 'timers.ts', 'lazy.ts', 'nearest.ts', 'time.ts'],
  ['protocol/'],
  ['checkpoint/'],
  ['schema.ts', 'record.ts'],
  ['io/'],
  ['report/'],
  ['session/'],
  ['host/'],
  ['index.ts'],
  ['children/'],
  ['aws/'],
  ['daemon/conversation/'],
  ['daemon/stream/'],
  ['daemon/kinesis/'],
  ['daemon/faults/'],
  ['daemon/lease/'],
  ['daemon/watch/'],
  ['daemon/daemon.ts', 'daemon/shard-run.ts', 'daemon/stopping.ts'],
  ['launcher/machine/'],
  ['launcher/configuration/'],
  ['launcher/supervision/'],
  ['launcher/preflight/'],
  ['launcher/launch.ts', 'launcher/launch-options.ts', 'launcher/prepare.ts'],
  // The local servers are fetched and started as the launcher does it with the daemon.
  ['testing/', 'local/'],
  ['leases/', 'http/'],
  ['cli/'],
]

// `type` is part of the first group of a static import.
const STATIC = /^(?:import|export)\s+(?:((?:type\s+)?(?:[\w*{][^'"=;]*?))\s+from\s+)?'([^']+)'/gm
const DYNAMIC = /(typeof\s+)?\bimport\(\s*'([^']+)'\s*\)/g
const REQUIRED = /\b(?:createRequire\([^()]*\)|require)\(\s*'([^']+)'\s*\)/g

const LIB = new URL('../../lib/', import.meta.url)
const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'))
  .sort()
const sources = new Map(files.map((file) => [file, readFileSync(new URL(file, LIB), 'utf8')]))
const imports = new Map([...sources].map(([file, source]) => [file, readImports(file, source)]))

test('every file of lib stands in one room of the table', () => {
  assert.ok(files.length > 30, `only ${files.length} files were found in ${LIB.pathname}`)
  const homeless = files.filter((file) => roomsOf(file).length !== 1)
  assert.deepEqual(homeless, [])
})

test('a file imports only from its own room and from those below it, types included', () => {
  const wrong: string[] = []
  for (const [file, list] of imports) {
    const [room] = roomsOf(file)
    for (const { target } of list.filter(({ local }) => local)) {
      const [other] = roomsOf(target)
      assert.ok(room !== undefined && other !== undefined, `${file} imports ${target}, which is in no room`)
      if (other.level > room.level || (other.level === room.level && other.name !== room.name)) {
        wrong.push(`${file} imports ${target}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('no file imports itself by way of others, types included', () => {
  const circles = files.filter((file) => importedBy(file).has(file))
  assert.deepEqual(circles, [])
})

describe('the pure rooms: protocol/, checkpoint/, and the other side of the protocol', () => {
  const rooms = ['protocol/', 'checkpoint/', 'daemon/conversation/']
  // The checkpointer waits and tries again, by its session's clock.
  const pure = files.filter(
    (file) => rooms.some((room) => file.startsWith(room)) && !file.endsWith('/checkpointer.ts'),
  )
  const impure = [
    /\b(async|await)\b/,
    /\b(setTimeout|setInterval|setImmediate|queueMicrotask|nextTick)\b/,
    /\b(Buffer|process|performance|console|globalThis|require)\b/,
    /\bDate\b|\bMath\.random\b/,
  ]

  for (const file of pure) {
    test(`${file} holds no async, no timers, no clock, no Buffer and no import of Node`, () => {
      const code = withoutTexts(withoutComments(sources.get(file) ?? ''))
      for (const pattern of impure) assert.doesNotMatch(code, pattern)
      const foreign = (imports.get(file) ?? []).filter(({ local }) => !local)
      assert.deepEqual(foreign, [])
    })
  }
})

test('the daemon of our own shares no code with our side of the conversation, not even at second hand', () => {
  const ours = /^(protocol\/|checkpoint\/|session\/|index|record)/
  for (const file of files.filter((name) => name.startsWith('daemon/'))) {
    const direct = (imports.get(file) ?? []).filter(({ target }) => ours.test(target))
    assert.deepEqual(direct, [], file)
    assert.deepEqual(
      [...reachable(file)].filter((target) => ours.test(target)),
      [],
      file,
    )
  }
})

describe('what is costly to load', () => {
  test('the Temporal polyfill and tslog are imported at run time only by lazy.ts, on first use', () => {
    for (const name of ['@js-temporal/polyfill', 'tslog']) {
      assert.deepEqual(importersOf(name), ['lazy.ts'])
      assert.ok(importsOf('lazy.ts', name).every(({ kind }) => kind === 'required' || kind === 'type'))
    }
  })
})

test('timers and the monotonic clock are those of timers.ts, which no test runner fakes', () => {
  const names = [
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'setImmediate',
    'queueMicrotask',
    'nextTick',
  ]
  const wrong: string[] = []
  for (const [file, source] of sources) {
    if (file === 'timers.ts') continue
    const code = withoutTexts(withoutComments(source))
    const imported = /import \{([^}]*)\} from '[./]*\/timers\.ts'/.exec(withoutComments(source))?.[1] ?? ''
    for (const [, name = ''] of code.matchAll(/(?<![.\w#]|typeof )(\w+)\b/g)) {
      if (names.includes(name) && !imported.split(/[\s,]+/).includes(name)) wrong.push(`${file}: ${name}`)
    }
    if (
      /\bperformance\.now|\bprocess\.(nextTick|hrtime)\b|\bglobalThis\.\w*(Time|Immediate|Interval)/.test(
        code,
      )
    ) {
      wrong.push(`${file}: the runtime's own`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('lib imports nothing but itself, Node by its prefix, and the dependencies that package.json names', () => {
  const text = readFileSync(new URL('../package.json', LIB), 'utf8')
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> }
  const odd: string[] = []
  for (const [file, list] of imports) {
    for (const { target } of list.filter(({ local }) => !local)) {
      const name = target.startsWith('@') ? target.split('/', 2).join('/') : target.split('/', 1).join()
      if (!target.startsWith('node:') && !(name in dependencies)) odd.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(odd, [])
})

interface Import {
  readonly target: string
  readonly local: boolean
  /** `type` leaves nothing behind at run time; `required` and `dynamic` load on first use. */
  readonly kind: 'type' | 'static' | 'required' | 'dynamic'
}

function roomsOf(file: string): { level: number; name: string }[] {
  return ROOMS.flatMap((names, level) =>
    names
      .filter((name) => (name.endsWith('/') ? file.startsWith(name) : file === name))
      .map((name) => ({ level, name: name.endsWith('/') ? name : `line ${level}` })),
  )
}

function readImports(file: string, source: string): Import[] {
  const found: Import[] = []
  const add = (specifier: string, kind: Import['kind']): void => {
    const local = specifier.startsWith('.')
    const target = local ? posix.join(posix.dirname(file), specifier) : specifier
    found.push({ target, local, kind })
  }
  const code = withoutComments(source)
  for (const [, names = '', specifier = ''] of code.matchAll(STATIC)) {
    add(
      specifier,
      /^type\b/.test(names) || /^\{(\s*type \w+( as \w+)?,?)+\s*\}/.test(names) ? 'type' : 'static',
    )
  }
  for (const [, typeOf, specifier = ''] of code.matchAll(DYNAMIC)) add(specifier, typeOf ? 'type' : 'dynamic')
  for (const [, specifier = ''] of code.matchAll(REQUIRED)) add(specifier, 'required')
  return found
}

function importsOf(file: string, target: string): Import[] {
  return (imports.get(file) ?? []).filter((one) => one.target === target)
}

function importersOf(target: string): string[] {
  return files.filter((file) => importsOf(file, target).some(({ kind }) => kind !== 'type'))
}

// All files that a file needs, directly or not.
function importedBy(file: string, seen: Set<string> = new Set()): Set<string> {
  for (const { target, local } of imports.get(file) ?? []) {
    if (!local || seen.has(target)) continue
    seen.add(target)
    importedBy(target, seen)
  }
  return seen
}

// What loading a file loads with it.
function reachable(file: string, seen: Set<string> = new Set()): Set<string> {
  for (const { target, local, kind } of imports.get(file) ?? []) {
    if (!local || kind === 'type' || seen.has(target)) continue
    seen.add(target)
    reachable(target, seen)
  }
  return seen
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function withoutTexts(code: string): string {
  return code.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''")
}
