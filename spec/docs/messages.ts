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

/** All errors that are thrown, findings of the lint and of the preflight, and words for the daemon's troubles. */
export function messagesOf(root: string): readonly Said[] {
  return collect(root, (node, file) => {
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
  }).filter(({ text }) => WORDS.test(text))
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
  for (const file of sources(root)) {
    const source = ts.createSourceFile(
      file,
      readFileSync(join(root, 'lib', file), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    )
    const visit = (node: TypeScript.Node): void => {
      found.push(...read(node, file))
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
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
// A finding of the lint that goes on from the name of a property.
const ABOUT = /^[a-z]/
