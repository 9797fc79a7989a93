// The page: one file, with its script and style inside, which the browser lets in by their hashes and nothing else.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The text of the page. */
export function pageText(): string {
  page ??= readFileSync(FILE, 'utf8')
  return page
}

/** What the page may do: run the script and style that are in it, and ask this server. */
export function pageSecurity(): string {
  security ??= [
    "default-src 'none'",
    `script-src ${hashes('script')}`,
    `style-src ${hashes('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return security
}

let page: string | undefined
let security: string | undefined

function hashes(element: string): string {
  const contents = pageText().matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, 'g'))
  return [...contents]
    .map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    .join(' ')
}

const FILE = new URL('../../../lib/http/page.html', import.meta.url)
