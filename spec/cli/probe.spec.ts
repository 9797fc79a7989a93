import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveHttp } from '../../lib/http/server.ts'
import { run } from '../helpers/command.ts'
import { TestWorker } from '../helpers/worker.ts'

test('asks a worker whether it is live or ready, and exits by the answer', async (t) => {
  const { worker } = new TestWorker()
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    view: () => worker.view(),
    logs: false,
    mask: (line) => line,
  })
  t.after(() => server.close())
  const http = `--http=${server.port}`
  const live = await run(t, ['probe', http])
  assert.deepEqual([live.code, live.stdout], [0, 'ok\n'])
  const ready = await run(t, ['probe', 'ready', http])
  assert.deepEqual([ready.code, ready.stdout], [1, '[-] the daemon has not begun to work\n'])
  await server.close()
  const gone = await run(t, ['probe', 'live', http])
  assert.deepEqual(
    [gone.code, gone.stdout],
    [1, `[-] nothing answers at http://127.0.0.1:${server.port}/livez\n`],
  )
})

test('needs to know whom to ask, and what', async (t) => {
  const nowhere = await run(t, ['probe'])
  assert.deepEqual([nowhere.code, /KCL_SESSION_HTTP/.test(nowhere.stderr)], [2, true])
  const nothing = await run(t, ['probe', 'lively', '--http=1'])
  assert.deepEqual([nothing.code, /there are live and ready/.test(nothing.stderr)], [2, true])
})
