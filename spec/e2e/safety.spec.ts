// What must not happen with the real daemon, whatever records say and whoever is killed.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { recordsOf, Stack, until, whyNot } from './stack.ts'

const reason = await whyNot()
const LIMIT = 180_000

describe('the launcher on the real daemon', { skip: reason, timeout: 600_000 }, () => {
  let stack: Stack

  before(async () => {
    stack = await Stack.start()
  })
  after(() => stack.stop())

  test('goes on whatever the records say that a consumer prints', { timeout: LIMIT }, async (t) => {
    const world = await stack.world(t, 'poison', 1)
    const poison = [
      'kcl-session-consumer 999999',
      'x#kcl#ERROR#2026-01-01T00:00:00.000Z#a.MultiLangProtocol#Failed to get status message for processRecords action for shard shardId-000000000000¶',
      '#kcl-0123456789abcdef01234567#ERROR#2026-01-01T00:00:00.000Z#main#a.MultiLangProtocol#Failed to get status message for processRecords action for shard shardId-000000000000',
      'Failed to get status message for processRecords action for shard shardId-000000000000',
      'Child process exited with value: 1',
      'the last one',
    ]
    await world.put(recordsOf(poison, () => 'a'))
    const print = `
      import { appendFileSync } from 'node:fs'
      import { KclSession } from ${JSON.stringify(INDEX)}
      const session = new KclSession({ logger: false })
      for await (const batch of session.batches()) for await (const record of batch) {
        console.error(record.text())
        appendFileSync(process.env.OUT, JSON.stringify({ at: 'record', text: record.text() }) + '\\n')
      }`
    const running = world.run({ command: [process.execPath, '--input-type=module', '-e', print] })
    await until('all were seen', running, () => world.records().length === poison.length)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    const lines = stderr.split('\n')
    for (const text of poison) assert.equal(lines.filter((line) => line === text).length, 1, stderr)
    // Acknowledged and stored: a second start does not see them again.
    assert.ok((await world.leases()).every(({ checkpoint }) => /^\d+$/.test(checkpoint)))
  })

  test('hears the daemon though a logback file of the user keeps its lines to itself', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'logback', 1)
    const [file, log] = [join(world.folder, 'own.xml'), join(world.folder, 'own.log')]
    writeFileSync(
      file,
      `<included>
        <appender name="own" class="ch.qos.logback.core.FileAppender">
          <file>${log}</file><encoder><pattern>%msg%n</pattern></encoder>
        </appender>
        <logger name="software.amazon.kinesis" additivity="false" level="INFO"><appender-ref ref="own"/></logger>
      </included>`,
    )
    const dies = [process.execPath, '-e', 'console.error("Error: boom"); process.exit(3)']
    const { code, stderr } = await world.run({ command: dies, flags: [`--logback=${file}`] }).ended
    assert.equal(code, 1)
    assert.match(
      stderr,
      /ended before it acknowledged initialize \(exit code 3\)\. Its last words: Error: boom/,
    )
    assert.match(readFileSync(log, 'utf8'), /Child process exited with value: 3/)
  })

  // The daemon takes drained shards back while it waits for the ended parent, and starts new consumers during the stop.
  test('stops right after a split without waiting for the consumers that the daemon starts meanwhile', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'split', 2)
    await world.put(recordsOf(['a', 'b', 'c', 'd'], (at) => `key ${at}`))
    const running = world.run()
    await until('all were seen', running, () => world.records().length === 4)
    const NewStartingHashKey = String(2n ** 126n)
    await world.reshard('SplitShard', { ShardToSplit: 'shardId-000000000000', NewStartingHashKey })
    await until('the parent had ended', running, () => world.notes().some(({ at }) => at === 'shardEnded'))
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.match(stderr, /Stopped; every consumer was done/)
    assert.doesNotMatch(stderr, /Not done yet/)
  })

  test('lets one consumer at a time see a shard, though the launcher is killed in mid-batch and started anew', {
    timeout: LIMIT,
  }, async (t) => {
    const world = await stack.world(t, 'orphaned', 1)
    const texts = Array.from({ length: 8 }, (_, at) => `record ${at}`)
    await world.put(recordsOf(texts, () => 'a'))
    const slow = `
      import { appendFileSync } from 'node:fs'
      import { KclSession } from ${JSON.stringify(INDEX)}
      const session = new KclSession({ logger: false })
      const note = (at, text) => appendFileSync(process.env.OUT, JSON.stringify({ at, text, pid: process.pid }) + '\\n')
      for await (const batch of session.batches()) for await (const record of batch) {
        note('begin', record.text())
        await new Promise((resolve) => setTimeout(resolve, 500))
        note('record', record.text())
      }`
    const command = [process.execPath, '--input-type=module', '-e', slow]
    const first = world.run({ command })
    await until('the first was seen', first, () => world.records().length >= 1)
    first.child.kill('SIGKILL')
    const second = world.run({ command })
    await second.seen(/was killed, and its daemon is still ending/)
    const seen = (): Set<string> => new Set(world.records().map(({ text }) => text))
    await until('all were seen', second, () => seen().size === texts.length)
    await world.put(recordsOf(['after'], () => 'a'))
    await until('the new one was seen', second, () => seen().has('after'))
    second.child.kill('SIGTERM')
    assert.equal((await second.ended).code, 0)
    // While one consumer has a record in hand, no other begins one.
    let open: number | undefined
    for (const { at, pid } of world.notes()) {
      assert.ok(open === undefined || open === pid, JSON.stringify(world.notes()))
      open = at === 'begin' ? pid : undefined
    }
  })
})

const INDEX = new URL('../../lib/index.js', import.meta.url).href
