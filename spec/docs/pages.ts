// The hand-written pages as the site has them: the same, with their heading as the title, and in the order of the index.

import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Copies the documents and what they link to, in the same folders, so that their links lead where they led. */
export function copyGuides(root: string, to: string): void {
  for (const path of DOCUMENTS) cpSync(join(root, path), join(to, path), { recursive: true })
  const index = readFileSync(join(root, 'samples/README.md'), 'utf8')
  const guides = [...new Set([...index.matchAll(/\]\(([\w-]+\/README\.md)\)/g)].map(([, page = '']) => page))]
  entitle(join(to, 'samples/README.md'), guides)
  for (const page of [...guides.map((guide) => `samples/${guide}`), 'lib/launcher/README.md', 'CHANGELOG.md'])
    entitle(join(to, page))
}

/** The head of a page of the site; `children` stand below it. */
export function frontMatter(title: string, children: readonly string[] = []): string {
  const below =
    children.length === 0 ? [] : ['children:', ...children.map((child) => `  - ${JSON.stringify(child)}`)]
  return ['---', `title: ${JSON.stringify(title)}`, ...below, '---', ''].join('\n')
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Text as it is written in code. */
export function code(text: string): string {
  return `\`${text}\``
}

function entitle(file: string, children: readonly string[] = []): void {
  const text = readFileSync(file, 'utf8')
  const [heading = '', title = ''] = /^# (.*)\n/.exec(text) ?? []
  writeFileSync(file, `${frontMatter(title, children)}${heading}${text.slice(heading.length)}`)
}

const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'samples',
  'lib/launcher/README.md',
  'spec/bench/bench.svg',
  'spec/page/page-light-1400.png',
  'spec/page/terminal.png',
]
