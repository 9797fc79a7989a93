// A short round of chaos with the real daemon: a consumer is killed, a shard is split, the daemon is killed. The whole
// round is `npm run chaos`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whyNot } from '../e2e/stack.ts'
import { temporaryFolder } from '../helpers/command.ts'
import { account } from './account.ts'
import { readEvidence } from './evidence.ts'
import { playRound } from './round.ts'
import { tableOf } from './table.ts'

const reason = process.platform === 'linux' ? await whyNot() : 'chaos looks into /proc'

test('loses nothing, keeps the order, stores nothing too early and is back in time', {
  skip: reason,
  timeout: 600_000,
}, async (t) => {
  const folder = temporaryFolder(t)
  await playRound({
    folder,
    seed: 3,
    variant: 'iterate',
    events: ['kill-consumer', 'split', 'kill-jvm'],
    time: Number.POSITIVE_INFINITY,
    shards: 2,
    keys: 30,
    rate: 30,
    overlap: false,
    restart: false,
    say: (text) => t.diagnostic(text),
  })
  const drawn = account(readEvidence(folder))
  assert.deepEqual(drawn.problems, [], tableOf(drawn))
  assert.equal(drawn.rows.length, 3)
  assert.ok(drawn.put > 0)
})
