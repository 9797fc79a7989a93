// Every error, finding and log event, word for word, read from the sources: a page made so cannot miss one.

import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as TypeScript from 'typescript'

/** Something that the code says; `…` stands for what differs. */
export interface Said {
  readonly text: string
  /** The file in lib. */
  readonly file: string
  /** An error's class, or who says it. */
  readonly by: string
}

/** An event of the session's log. */
export interface LogEvent {
  readonly level: string
  readonly message: string
  readonly details: readonly string[]
}

/**
 * All errors that are thrown, findings of the lint and of the preflight, words for the daemon's troubles, and every other
 * sentence of the code: what is said by a constant, or printed, is among those.
 */
export function messagesOf(root: string): readonly Said[] {
  const taken = new Set<TypeScript.Node>()
  const told = collect(root, (node, file) => {
    const said = toldBy(node, file)
    if (said.length > 0) taken.add(node)
    return said
  }).filter(({ text }) => WORDS.test(text))
  const others = collect(root, (node, file): Said[] => {
    if (ELSEWHERE.test(file) || !isText(node) || isPart(node, taken)) return []
    const text = textOf(node)
    return isSentence(text) ? [{ text, file, by: '' }] : []
  })
  return [...told, ...others]
}

function toldBy(node: TypeScript.Node, file: string): Said[] {
  if (ts.isNewExpression(node) && OURS.test(node.expression.getText())) {
    const text = longest((node.arguments ?? []).map(textOf))
    return [{ text, file, by: node.expression.getText() }]
  }
  if (!file.startsWith('launcher/')) return []
  if (ts.isCallExpression(node) && /(^|\.)(say|wrong|demand)$/.test(node.expression.getText())) {
    const [text = '', remedy = ''] = node.arguments.slice(-2).map(textOf)
    return [{ text: `${ABOUT.test(text) ? '… ' : ''}${text} ${remedy}`, file, by: 'check' }]
  }
  if (ts.isPropertyAssignment(node) && ['words', 'message', 'text', 'tell'].includes(node.name.getText())) {
    return [{ text: textOf(node.initializer), file, by: 'run' }]
  }
  return []
}

// A whole sentence, or the beginning of one, and not a file's, a help's or the daemon's own.
function isSentence(text: string): boolean {
  const words = text.match(/[A-Za-z][a-z’']+/g) ?? []
  const enough = /[.?]$/.test(text.trim())
    ? words.length >= 3
    : text.trim().endsWith('…') && words.length >= 5
  const isOurs = !/^(#|Initialization complete)/.test(text) && text.split('\n').length < 3
  return enough && isOurs && / [A-Za-z]+ /.test(text)
}

function isText(node: TypeScript.Node): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)
}

// Of a message that was told already, of the help, or of the log, whose events have a page of their own.
function isPart(node: TypeScript.Node, taken: ReadonlySet<TypeScript.Node>): boolean {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (taken.has(at) || ts.isTemplateExpression(at) || ts.isImportDeclaration(at)) return true
    if ((ts.isCallExpression(at) || ts.isNewExpression(at)) && HELP.test(at.expression.getText())) return true
  }
  return false
}

/** All events of the session's log. */
export function logEventsOf(root: string): readonly LogEvent[] {
  return collect(root, (node) => {
    if (!ts.isCallExpression(node) || node.arguments[0] === undefined) return []
    const [, level] = /\blog\.(debug|info|warn|error)$/.exec(node.expression.getText()) ?? []
    if (level === undefined) return []
    const [said, more] = node.arguments
    const details = more !== undefined && ts.isObjectLiteralExpression(more) ? more.properties : []
    const names = details.flatMap(({ name }) => (name === undefined ? [] : [name.getText()]))
    return variants(said).map((message) => ({ level, message, details: names }))
  })
}

function collect<T>(root: string, read: (node: TypeScript.Node, file: string) => readonly T[]): T[] {
  const found: T[] = []
  for (const [file, source] of parsed(root)) {
    const visit = (node: TypeScript.Node): void => {
      found.push(...read(node, file))
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}

// Once, for a node is known again by what it is.
const trees = new Map<string, ReadonlyMap<string, TypeScript.SourceFile>>()

function parsed(root: string): ReadonlyMap<string, TypeScript.SourceFile> {
  const known = trees.get(root)
  if (known !== undefined) return known
  const read = (file: string): string => readFileSync(join(root, 'lib', file), 'utf8')
  const all = new Map(
    sources(root).map((file) => [file, ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)]),
  )
  trees.set(root, all)
  return all
}

function sources(root: string): string[] {
  return readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts'))
    .sort()
}

function textOf(node: TypeScript.Node): string {
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node)) {
    const spans = node.templateSpans.map(({ literal }) => `…${literal.text}`)
    return `${node.head.text}${spans.join('')}`
  }
  if (ts.isBinaryExpression(node)) return `${textOf(node.left)}${textOf(node.right)}`
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression)
  if (ts.isConditionalExpression(node)) return longest([node.whenTrue, node.whenFalse].map(textOf))
  if (ts.isArrowFunction(node)) return textOf(node.body)
  return '…'
}

function variants(node: TypeScript.Node | undefined): string[] {
  if (node === undefined) return []
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(variants)
  if (ts.isPropertyAccessExpression(node)) return ownTexts(node.getSourceFile(), node.name.text)
  return [textOf(node)]
}

// What a table in the same file has under that name.
function ownTexts(file: TypeScript.SourceFile, name: string): string[] {
  const found: string[] = []
  const visit = (node: TypeScript.Node): void => {
    if (
      ts.isPropertyAssignment(node) &&
      node.name.getText() === name &&
      ts.isStringLiteralLike(node.initializer)
    )
      found.push(node.initializer.text)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function longest(texts: readonly string[]): string {
  return texts.reduce((best, text) => (text.length > best.length ? text : best), '')
}

// The workspace's: the compiler of the build has no such API.
const ts = createRequire(new URL('../../../spec/docs/package.json', import.meta.url))(
  'typescript',
) as typeof TypeScript
// Those of JavaScript's own never leave the library, or are bugs.
const OURS = /^(Usage|DaemonProtocol|Checkpoint|Record|LeaseLost|ChannelClosed|Aggregate)Error$/
// More than placeholders.
const WORDS = /\w+ \w+/
// What has a page of its own in the reference, and templates.
const ELSEWHERE =
  /^(cli\/json-events|daemon\/conversation\/findings|launcher\/configuration\/catalogue\/(?!successors)|http\/metrics|report\/)/
const HELP = /(^|\.)(log\.\w+|option|description|argument|addHelpText|usage|Option|newCommand)$/
// A finding of the lint that goes on from the name of a property.
const ABOUT = /^[a-z]/
