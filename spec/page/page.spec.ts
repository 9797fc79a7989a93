// The page in a real browser: under its own policy, in light and in dark, narrow and wide, with axe-core's rules.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, type TestContext, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { TestWorker } from '../helpers/worker.ts'
import { closeAfter, letOneHang, openBrowser, serveFour, whyNoBrowser } from './browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe('the page', { skip: whyNoBrowser() }, () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [400, 1400]) {
      test(`in ${colorScheme}, ${width} px wide: four shards, one turning stuck and one gone, without an error`, async (t) => {
        const { page, run, errors } = await open(t, { colorScheme, width })
        await row(page, 'shardId-000000000000', /working/)
        assert.equal(await page.locator('tbody tr').count(), 4)
        assert.equal(await page.getByRole('status').textContent(), 'Healthy and ready')
        letOneHang(run)
        await row(page, 'shardId-000000000001', /^stuck/)
        await row(page, 'shardId-000000000003', /^gone/)
        assert.match(
          (await page.getByRole('status').textContent()) ?? '',
          /^Not healthy: shardId-000000000001: no progress/,
        )
        assert.match((await page.locator('tbody tr').first().textContent()) ?? '', /^shardId-000000000001/)
        assert.deepEqual(errors, [])
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
        assert.ok(wide <= 0, `the page itself is ${wide} px too wide`)
        assert.deepEqual(await violations(page), [])
      })
    }
  }

  test('everything is within reach of the keyboard, and told to a screen reader', async (t) => {
    const { page } = await open(t, { colorScheme: 'light', width: 1000 })
    await row(page, 'shardId-000000000000', /working/)
    const reached: string[] = []
    for (let step = 0; step < 2; step += 1) {
      await page.keyboard.press('Tab')
      reached.push(
        await page.evaluate<string>('document.activeElement.ariaLabel || document.activeElement.textContent'),
      )
    }
    assert.deepEqual(reached, ['Shards', 'Last lines of shardId-000000000001'])
    await page.keyboard.press('Enter')
    await page.getByText('order 1234 cannot be written').waitFor()
    assert.equal(await page.getByRole('columnheader').count(), 10)
    assert.equal(await page.getByRole('rowheader').count(), 4)
    assert.equal(await page.getByRole('img', { name: /records a second now/ }).count(), 4)
    assert.equal(await page.getByRole('main').count(), 1)
  })

  test('says that nobody answers, and goes on when somebody does', async (t) => {
    const { page } = await open(t, { colorScheme: 'light', width: 1000 })
    await row(page, 'shardId-000000000000', /working/)
    await page.route('**/shards.json', (route) => route.abort())
    await page.getByText('The launcher does not answer').waitFor()
    await page.unroute('**/shards.json')
    await page.getByText('Healthy and ready').waitFor()
  })
})

async function open(
  t: TestContext,
  { colorScheme, width }: { colorScheme: 'light' | 'dark'; width: number },
): Promise<{ page: Page; run: TestWorker; errors: string[] }> {
  const { run, server } = await serveFour()
  const browser = await openBrowser()
  closeAfter(t, browser, server)
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } })
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(server.url)
  return { page, run, errors }
}

async function row(page: Page, shard: string, state: RegExp): Promise<void> {
  await page
    .getByRole('row')
    .filter({ hasText: shard })
    .getByRole('cell')
    .filter({ hasText: state })
    .first()
    .waitFor()
}

// The page's own policy lets no foreign script in; what a driver evaluates is not asked.
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const results = await page.evaluate<Results>('axe.run()')
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

// Of axe-core's own types, which want those of a browser.
interface Results {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}
