// All shards of a worker in one process, on the real daemon.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../../lib/launcher/machine/processes.ts'
import type { Running } from '../helpers/command.ts'
import { recordsOf, Stack, until, type World, whyNot } from './stack.ts'

const reason = await whyNot()
const LIMIT = 180_000
const COMMAND = [process.execPath, fileURLToPath(new URL('../fixtures/shared-consumer.js', import.meta.url))]

describe('run --shared', { skip: reason, concurrency: 2, timeout: 600_000 }, () => {
  let stack: Stack

  before(async () => {
    stack = await Stack.start()
  })
  after(() => stack.stop())

  test('serves all shards in one process, the children of a split too, and drains them', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'shared', 4)
    await world.put(numbered(0, 100))
    const running = shared(world)
    await until('all were seen', running, () => world.records().length === 100)
    const split = { ShardToSplit: 'shardId-000000000000', NewStartingHashKey: String(2n ** 125n) }
    await world.reshard('SplitShard', split)
    await world.put(numbered(100, 200))
    await until('those of the children were seen', running, () => world.records().length === 200)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    const seen = world.records()
    assert.deepEqual(new Set(seen.map(({ pid }) => pid)).size, 1)
    assert.equal(new Set(seen.map(({ shard }) => shard)).size, 6)
    assert.equal(new Set(seen.map(({ text }) => text)).size, 200, 'each was seen once')
    assert.deepEqual(tooEarly(seen), [], 'the order of each shard, and of each key across the split')
    assert.equal(world.notes().filter(({ at }) => at === 'all over').length, 1)
    assert.ok((await world.leases()).every(({ checkpoint }) => /^(\d+|SHARD_END)$/.test(checkpoint)))
    for (const { pid } of seen) assert.ok(!isAlive(pid))
  })

  test('ends a worker whose handler fails for one shard, once the others are drained', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'shared-throws', 4)
    await world.put(numbered(0, 40))
    const running = shared(world)
    await until('all were seen', running, () => world.records().length === 40)
    await world.put(recordsOf(['throw'], () => 'key 1'))
    const { code, stderr } = await running.ended
    assert.equal(code, 1, stderr)
    assert.match(
      stderr,
      /The consumer of (shardId-\d+) ended before .* Its last words: Error: \1 cannot go on/,
    )
    assert.equal(world.notes().filter(({ at }) => at === 'over').length, 3, 'the others were drained')
    const again = shared(world)
    await again.seen(/cannot go on/)
    assert.equal((await again.ended).code, 1)
    const [, failed] = /The consumer of (shardId-\d+) ended/.exec(stderr) ?? []
    const seenAgain = world.records().slice(40)
    assert.deepEqual(
      new Set(seenAgain.map(({ shard }) => shard)),
      new Set([failed]),
      'what was drained is not seen again',
    )
  })

  test('leaves nothing behind, and goes on in the next run, whichever process is killed', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'shared-kills', 2)
    await world.put(numbered(0, 20))
    const first = shared(world)
    await until('all were seen', first, () => world.records().length >= 20)
    const host = world.records()[0]?.pid ?? 0
    process.kill(host, 'SIGKILL')
    const { code, stderr } = await first.ended
    assert.equal(code, 1)
    assert.match(
      stderr,
      /The process that serves all shards ended \(killed by SIGKILL\), and with it every consumer/,
    )
    assert.doesNotMatch(stderr, /The consumer of shardId/)
    await gone(pidsIn(stderr))

    const second = shared(world)
    await world.put(numbered(20, 30))
    await until('the new ones were seen', second, () => distinct(world) === 30)
    await world.put(recordsOf(['stray'], () => 'key 2'))
    const stray = await second.ended
    assert.equal(stray.code, 1)
    assert.match(
      stray.stderr,
      /kcl-session: (shardId-\d+|unknown shard): a rejection that nobody handled ends this/,
    )
    assert.match(
      stray.stderr,
      /The process that serves all shards ended \(exit code 1\).* Error: nobody handles it/,
    )
    await gone(pidsIn(stray.stderr))

    // The stray one comes again, and would end each of these; where nobody takes it, its shard waits.
    const third = shared(world, ['--stop-timeout=5s'])
    await third.seen(/consumer \d+ started/)
    third.child.kill('SIGKILL')
    const killed = await third.ended
    await gone([...pidsIn(killed.stderr), ...world.records().map(({ pid }) => pid)])
  })
})

function shared(world: World, flags: readonly string[] = []): Running {
  return world.run({ flags: ['--shared', '--log-level=info', ...flags], command: COMMAND })
}

function numbered(from: number, to: number) {
  const texts = Array.from({ length: to - from }, (_, at) => `record ${from + at}`)
  return recordsOf(texts, (at) => `key ${(from + at) % 17}`)
}

// What was seen too early, in its shard by position or for its key by number.
function tooEarly(seen: ReturnType<World['records']>): string[] {
  const last = new Map<string, bigint>()
  return seen.flatMap(({ shard, sequenceNumber, key, text }) => {
    const places = [
      [shard, BigInt(sequenceNumber)],
      [key, BigInt(text.replace('record ', ''))],
    ] as const
    const early = places.filter(([of, at]) => (last.get(of) ?? -1n) >= at)
    for (const [of, at] of places) last.set(of, at)
    return early.map(([of]) => `${of}: ${text}`)
  })
}

function distinct(world: World): number {
  return new Set(world.records().map(({ text }) => text)).size
}

function pidsIn(stderr: string): number[] {
  return [...stderr.matchAll(/consumer (\d+) started/g)].map(([, pid]) => Number(pid))
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(50)
}
