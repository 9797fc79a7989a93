import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WorkerView } from '../../lib/children/worker-view.ts'
import { start, temporaryFolder } from '../helpers/command.ts'
import { readExposition, seriesValue } from '../helpers/exposition.ts'

const CONSUMER = `
import { KclSession, everyBatch } from '${new URL('../../lib/index.js', import.meta.url).href}'
const session = new KclSession({ policy: everyBatch() })
for await (const batch of session.batches()) for (const record of batch) console.log(record.text(), process.env.KCL_SESSION_REPORT_TOKEN)
`

test('dev --http tells how its shards are doing while they run, and what they counted', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'consumer.mjs'), CONSUMER)
  writeFileSync(join(folder, 'input.ndjson'), '{"n":1}\n{"n":2}\n{"n":3}\n')
  const running = start(
    t,
    ['dev', '--input', 'input.ndjson', '--follow', '--http=0', '--', process.execPath, 'consumer.mjs'],
    { cwd: folder },
  )
  const [, url = ''] = await running.seen(/The shards are at (\S+)/)
  assert.equal(await (await fetch(`${url}livez`)).text(), 'ok\n')
  let shard: WorkerView['shards'][number] | undefined
  while (shard?.records !== 3 || shard.unstored !== 0 || shard.state !== 'waiting') {
    const view = (await (await fetch(`${url}shards.json`)).json()) as WorkerView
    ;[shard] = view.shards
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // The session's own log lines lie between.
  const lines = shard.log.filter((line) => line.startsWith('{"n"'))
  assert.deepEqual(lines, ['{"n":1} undefined', '{"n":2} undefined', '{"n":3} undefined'])
  assert.ok((shard.memory ?? 0) > 0 && (shard.lag ?? -1) >= 0)
  const families = readExposition(await (await fetch(`${url}metrics`)).text())
  assert.equal(seriesValue(families, 'kcl_session_records_total', { shard: shard.shard }), 3)
  // An empty batch may be in hand just now.
  const states = families.get('kcl_session_shards')?.samples ?? []
  assert.equal(
    states.reduce((sum, { value }) => sum + value, 0),
    1,
  )
  assert.equal(await (await fetch(`${url}readyz`)).text(), 'ok\n')
  running.child.kill('SIGINT')
  assert.equal((await running.ended).code, 130)
})

test('a port that is in use ends the command before a consumer starts', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'input.ndjson'), '{}\n')
  const args = ['dev', '--input', 'input.ndjson', '--follow', '--', process.execPath, '-e', '0']
  const first = start(t, [...args.slice(0, 4), '--http=0', '--', 'cat'], { cwd: folder })
  const [, port = ''] = await first.seen(/The shards are at \S+:(\d+)/)
  const second = await start(t, [...args.slice(0, 4), `--http=${port}`, ...args.slice(4)], { cwd: folder })
    .ended
  assert.match(
    second.stderr,
    /^kcl-session: --http=127\.0\.0\.1:\d+: the port is in use\. Choose another one\.\n$/,
  )
  assert.equal(second.code, 2)
})
