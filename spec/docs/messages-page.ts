// The page of all messages: word for word from the sources, under what their kind means in the guide on troubleshooting.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KIND_NAMES, kindOf } from './kinds.ts'
import { messagesOf, type Said } from './messages.ts'
import { code, table } from './pages.ts'

/** What the guide says of a kind of messages. */
export interface Explained {
  readonly means: string
  readonly todo: string
}

/** Every message, with what it means and what to do about it. */
export function messagesPage(root: string): string {
  const kinds = kindsExplained(root)
  const own = quotesExplained(root)
  const all = messagesOf(root)
  const sections = KIND_NAMES.map((name) => {
    const { means, todo } = kinds.get(name) ?? { means: '', todo: '' }
    const said = new Map(all.filter((one) => kindOf(one) === name).map((one) => [one.text, one]))
    const rows = [...said.values()].map((one) => [code(one.text), NAMES[one.by] ?? one.by, explain(one, own)])
    const title = `## ${name[0]?.toUpperCase()}${name.slice(1)}`
    return `${title}\n\n${means}.\n\n**What to do:** ${todo}.\n\n${table(['what is said', 'as', 'of this one'], rows)}`
  })
  return `${INTRODUCTION}\n\n${sections.join('\n\n').replaceAll('](../', '](../samples/')}`
}

/** The kinds that the guide explains, by name. */
export function kindsExplained(root: string): ReadonlyMap<string, Explained> {
  const [, part = ''] = guide(root).split('| kind | what it means | what to do |\n')
  return new Map(
    [...part.matchAll(/^\| (\w.*?) \| (.*?) \| (.*?) \|$/gm)].map(([, name = '', means = '', todo = '']) => [
      name,
      { means, todo },
    ]),
  )
}

/** The words that the guide explains by themselves, each with its explanation. */
export function quotesExplained(root: string): ReadonlyMap<string, string> {
  const [, part = ''] = guide(root).split('| what is said | what it means, and what to do |\n')
  const rows = [...part.matchAll(/^\| (`.*?) \| (.*) \|$/gm)]
  return new Map(
    rows.flatMap(([, cell = '', about = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, quote = '']) => [quote, about] as const),
    ),
  )
}

function explain({ text }: Said, own: ReadonlyMap<string, string>): string {
  return [...own].find(([quote]) => text.includes(quote))?.[1] ?? ''
}

function guide(root: string): string {
  return readFileSync(join(root, 'samples/troubleshooting/README.md'), 'utf8')
}

const INTRODUCTION = `Word for word, as the code has them; a \`…\` stands for what differs. Kind by kind it is said what they mean and what to do; those
that are asked about most stand in [troubleshooting](../samples/troubleshooting/README.md), too.`
const NAMES: Readonly<Record<string, string>> = { check: '`check` and `run`', run: '`run`' }
