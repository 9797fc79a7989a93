// Takes the pictures for the documentation: `npm run pictures spec/page`, of which two are shown.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { tableLines } from '../../lib/cli/live-table.ts'
import { letOneHang, openBrowser, serveFour } from './browser.ts'

const [folder = 'pictures'] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
const { run, server } = await serveFour()
letOneHang(run)
const browser = await openBrowser()
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [400, 1400]) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 400 } })
      await page.goto(server.url)
      await page.getByText('stuck').first().waitFor()
      await page.screenshot({ path: join(folder, `page-${colorScheme}-${width}.png`) })
    }
  }
  const page = await browser.newPage({ viewport: { width: 1180, height: 112 } })
  const lines = tableLines(run.worker.view(), 24, 'http://127.0.0.1:8080/')
  const colours = { bad: '#ff6b68', notable: '#e5c07b', faint: '#8a8a8a', good: '#98c379' }
  const html = lines.map((line) =>
    typeof line === 'string' ? line : `<span style="color:${colours[line.style]}">${line.text}</span>`,
  )
  await page.setContent(
    `<body style="background:#1e1e1e;margin:0"><pre style="color:#ddd;font:13px/1.5 monospace;padding:0 12px">${html.join('\n')}</pre>`,
  )
  await page.screenshot({ path: join(folder, 'terminal.png') })
} finally {
  await browser.close()
  await server.close()
}
