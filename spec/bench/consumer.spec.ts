import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumer } from './consumer.ts'
import { OneProcess } from './one-process.ts'
import { deliveryOf } from './shapes.ts'
import { FLOOR, ONE_PROCESS, STYLES, startSteps } from './styles.ts'

const SHAPE = { name: 'a small one', records: 3, bytes: 10 }

for (const style of [...STYLES, ...startSteps().slice(1, -1)]) {
  test(`${style.name} has a status for each action, and counts what it was sent`, async () => {
    const consumer = await Consumer.start(style)
    for (let batch = 0; batch < 4; batch += 1) await consumer.perform(deliveryOf(SHAPE))
    await consumer.end({ records: 12, bytes: 120 })
  })
}

test('a step of a start has the built-in modules that the library asks for', () => {
  const [, builtIns] = startSteps()
  assert.ok(builtIns?.command.includes('node:stream'), String(builtIns?.command))
})

test('one process has a status for each action of all its shards, and counts what it was sent', async () => {
  const one = await OneProcess.start(ONE_PROCESS, 3)
  for (const shard of one.shards) await shard.perform(deliveryOf(SHAPE))
  await one.end({ records: 9, bytes: 90 })
})

test('a consumer that has seen less than it was sent is not believed', async () => {
  const consumer = await Consumer.start(FLOOR)
  await consumer.perform(deliveryOf(SHAPE))
  await assert.rejects(
    consumer.end({ records: 6, bytes: 60 }),
    /floor was sent 6 records, 60 bytes, and says: 3 records/,
  )
})

test('a consumer that ends instead of answering is told, with its last words', async () => {
  const script = 'process.stdin.once("data", () => { console.error("no more"); process.exit(3) })'
  const style = { name: 'a quitter', command: [process.execPath, '-e', script] }
  await assert.rejects(Consumer.start(style), /a quitter ended before its status: no more/)
})
