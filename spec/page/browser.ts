// Headless Chromium for the specs of the page, and for its pictures. Where there is none that is told, and fails where
// KCL_SESSION_REQUIRE_BROWSER=1.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Browser, chromium } from 'playwright-core'
import { type HttpServer, serveHttp } from '../../lib/http/server.ts'
import { emptyHistogram } from '../../lib/report/snapshot.ts'
import { TestWorker } from '../helpers/worker.ts'

/** Why these specs cannot run here, or false. Throws where they must. */
export function whyNoBrowser(): string | false {
  if (findBrowser() !== undefined) return false
  const reason = `there is no Chromium: none of ${NAMES.join(', ')} is on the PATH`
  if (process.env.KCL_SESSION_REQUIRE_BROWSER === '1')
    throw new Error(`KCL_SESSION_REQUIRE_BROWSER=1, but ${reason}.`)
  return `${reason}; KCL_SESSION_REQUIRE_BROWSER=1 makes this a failure`
}

export async function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser()
  if (executablePath === undefined) throw new Error('There is no Chromium.')
  return await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
}

/** A worker with four shards, one stuck and one gone, and its server. */
export async function serveFour(): Promise<{ readonly run: TestWorker; readonly server: HttpServer }> {
  const run = new TestWorker()
  const histograms = {
    batch: emptyHistogram('batch'),
    checkpoint: emptyHistogram('checkpoint'),
    latency: emptyHistogram('latency'),
  }
  run.worker.began()
  const busy = { action: 'processRecords', actionMs: 400, histograms }
  run.report(
    'shardId-000000000000',
    {
      ...busy,
      lagMs: 400,
      storedMs: 12_000,
      unstored: 9410,
      batch: { size: 500, finished: 120, attempt: 1 },
      counts: { records: 10_000, checkpoints: 7 },
    },
    11,
  )
  run.report(
    'shardId-000000000001',
    {
      ...busy,
      lagMs: 8000,
      storedMs: 40_000,
      unstored: 912,
      batch: { size: 50, finished: 3, attempt: 2 },
      counts: { records: 4000, retries: 2, refusals: { ThrottlingException: 2 } },
      lastError: 'ThrottlingException at 4968',
    },
    12,
  )
  run.report('shardId-000000000002', { lagMs: 0, storedMs: 100_000, counts: { records: 2000 } }, 13)
  run.report('shardId-000000000003', { lagMs: 0, counts: { records: 1000 } }, 14)
  run.worker.heard('shardId-000000000001', 'order 1234 cannot be written: the table is locked')
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    view: () => run.worker.view(),
    logs: true,
    mask: (line) => line,
  })
  return { run, server }
}

/** One of the four hangs, and another is gone. */
export function letOneHang(run: TestWorker): void {
  run.report(
    'shardId-000000000001',
    {
      action: 'processRecords',
      actionMs: 660_000,
      progressMs: 660_000,
      lagMs: 684_000,
      storedMs: 714_000,
      unstored: 88,
      batch: { size: 1000, finished: 412, attempt: 2 },
      counts: { records: 4000, retries: 2, refusals: { ThrottlingException: 2 } },
      lastError: 'ThrottlingException at 4968',
    },
    12,
  )
  run.leave('shardId-000000000003', 14)
}

/** Closes the browser and the server after the test. */
export function closeAfter(t: TestContext, ...closing: readonly { close(): Promise<void> }[]): void {
  t.after(async () => {
    for (const one of closing) await one.close()
  })
}

function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']
