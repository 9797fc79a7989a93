// The documentation as a reader has it: built anew, every link and anchor followed, and looked at in a real browser.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { openBrowser, whyNoBrowser } from '../page/browser.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const site = mkdtempSync(join(tmpdir(), 'kcl-session-site-'))

describe('the documentation', { timeout: 300_000 }, () => {
  before(async () => {
    await promisify(execFile)(process.execPath, ['dist/spec/docs/build.js', site], { cwd: ROOT })
  })
  after(() => rmSync(site, { recursive: true }))

  test('has every guide and every page of the reference', () => {
    const titles = pages().map((page) => /<h1[^>]*>([^<]*)/.exec(read(page))?.[1])
    const guides = readdirSync(join(ROOT, 'samples'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('README.md'))
      .map((file) => /^# (.*)/.exec(readFileSync(join(ROOT, 'samples', file), 'utf8'))?.[1])
    const reference = ['Command line', 'Configuration', 'Metrics', 'Log events', 'Events of run', 'Messages']
    for (const title of [...guides, ...reference, 'Changelog']) assert.ok(titles.includes(title), title)
  })

  test('has no link, picture or anchor that leads nowhere', () => {
    const broken: string[] = []
    let followed = 0
    for (const page of pages()) {
      for (const [, link = ''] of read(page).matchAll(
        /<(?:a|img|script|link)\b[^>]*\b(?:href|src)="([^"]*)"/g,
      )) {
        if (/^[a-z]+:/.test(link)) continue
        followed += 1
        const [path = '', anchor] = decodeURI(link.replaceAll('&amp;', '&')).split('#')
        const target = path === '' ? page : fileAt(resolve(dirname(page), path.replace(/\?.*/, '')))
        const isThere = statSync(target, { throwIfNoEntry: false })?.isFile() === true
        if (!isThere || (anchor && !read(target).includes(`id="${anchor}"`))) broken.push(`${page}: ${link}`)
      }
    }
    assert.ok(followed > 1000, `${followed} links`)
    assert.deepEqual(broken, [])
  })

  describe('in a browser', { skip: whyNoBrowser() }, () => {
    let server: Server
    let browser: Browser
    before(async () => {
      server = createServer(({ url = '/' }, response) => {
        const file = join(site, decodeURI(url.replace(/\?.*/, '')).replace(/\/$/, '/index.html'))
        if (!existsSync(file)) return response.writeHead(404).end()
        response
          .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' })
          .end(readFileSync(file))
      })
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
      browser = await openBrowser()
    })
    after(async () => {
      await browser.close()
      server.close()
    })

    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [400, 1400]) {
        test(`in ${colorScheme}, ${width} px wide: no page is too wide, none has an error or breaks a rule of axe`, async () => {
          const { page, errors } = await open({ colorScheme, width })
          for (const file of LOOKED_AT) {
            await page.goto(address(pages().find((path) => path.endsWith(file)) ?? assert.fail(file)))
            const wide = await page.evaluate<number>(
              'document.documentElement.scrollWidth - window.innerWidth',
            )
            assert.ok(wide <= 0, `${file} is ${wide} px too wide`)
            assert.deepEqual(await violations(page), [], file)
          }
          const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
          const [, red] = /rgb\((\d+)/.exec(background) ?? []
          assert.equal(Number(red) > 128, colorScheme === 'light', background)
          assert.deepEqual(errors, [])
        })
      }
    }

    test('finds guides and the API by a word, without a server', async () => {
      const { page, errors } = await open({ colorScheme: 'light', width: 1400 })
      await page.goto(address(join(site, 'index.html')))
      await page.getByRole('button', { name: 'Search' }).click()
      await page.keyboard.type('checkpoint')
      await page.getByRole('option').filter({ hasText: 'KclSession.checkpoint' }).first().waitFor()
      await page.getByRole('combobox').fill('dead letters')
      await page.getByRole('option').filter({ hasText: 'Errors, retries and dead letters' }).first().click()
      await page.getByRole('heading', { level: 1, name: 'Errors, retries and dead letters' }).waitFor()
      assert.deepEqual(errors, [])
    })

    async function open(options: {
      colorScheme: 'light' | 'dark'
      width: number
    }): Promise<{ page: Page; errors: string[] }> {
      const { colorScheme, width } = options
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
      const errors: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
      })
      page.on('pageerror', (error) => errors.push(String(error)))
      return { page, errors }
    }

    function address(file: string): string {
      const { port } = server.address() as AddressInfo
      return `http://127.0.0.1:${port}${encodeURI(file.slice(site.length))}`
    }
  })
})

function pages(): string[] {
  return readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html'))
    .map((file) => join(site, file))
}

// As a static host has it.
function fileAt(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  return isFolder ? join(path, 'index.html') : path
}

function read(file: string): string {
  return readFileSync(file, 'utf8')
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const results = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
    'axe.run()',
  )
  return results.violations
    .filter(({ id }) => !THEIRS.has(id))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

const LOOKED_AT = [
  '/index.html',
  'Checkpoints_by_task.html',
  'Configuration.html',
  'Messages.html',
  '/KclSession.html',
]
// Of typedoc's own theme.
const THEIRS: ReadonlySet<string> = new Set(['nested-interactive', 'heading-order'])
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
