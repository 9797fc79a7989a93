// Builds the documentation as one folder that any static host serves: guides, reference and API, with a search that needs
// no server. `npm run docs [FOLDER]`. What has no comment, and links that lead nowhere, fail it.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyGuides } from './pages.ts'
import { writeReference } from './reference.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const [site = join(root, 'dist/site')] = process.argv.slice(2)
const pages = join(root, 'dist/pages')
rmSync(pages, { recursive: true, force: true })
mkdirSync(pages, { recursive: true })
copyGuides(root, pages)
writeReference(root, join(pages, 'reference'))
// Of the workspace "spec/docs", as its compiler is.
const typedoc = dirname(createRequire(join(root, 'spec/docs/package.json')).resolve('typedoc/package.json'))
const options = [
  '--options',
  join(root, 'spec/docs/typedoc.json'),
  '--out',
  resolve(site),
  '--logLevel',
  'Warn',
]
execFileSync(process.execPath, [join(typedoc, 'bin/typedoc'), ...options], { stdio: 'inherit' })
console.log(`The documentation is in ${site}: open its index.html, or serve it.`)
