import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Budget, type Share } from '../../lib/host/budget.ts'

const PIECE = 64 * 1024
const PIECES = 16

test('a message that is large waits for room in the middle, all but the first', async () => {
  const shards = open(5, PIECE * PIECES)
  for (const shard of shards) shard.send()
  await settle()
  // The beginnings of five messages are more than there is room for: only the first goes on.
  assert.deepEqual(shards.map(({ whole }) => whole).sort(), [false, false, false, false, true])
  for (let done = 1; done <= shards.length; done += 1) {
    const ready = shards.filter(({ whole, done }) => whole && !done)
    assert.ok(ready.length >= 1 && ready.length <= 2, `${ready.length} of 5 are in hand at once`)
    ready[0]?.finish()
    await settle()
  }
  assert.ok(shards.every(({ done }) => done))
})

test('whoever has a whole message in hand reads on', async () => {
  const [shard, other] = open(2, 1)
  shard?.send()
  await settle()
  assert.equal(shard?.whole, true)
  other?.send()
  await settle()
  assert.equal(other?.whole, false)
  shard?.input.write('{"action":"checkpoint"}\n')
  await settle()
  assert.equal(shard?.lines, 2)
  shard?.finish()
  await settle()
  assert.equal(other?.whole, true)
})

test('messages that are small never wait', async () => {
  const shards = open(8, 1)
  for (const shard of shards) shard.input.write('{"action":"processRecords","records":[]}\n')
  await settle()
  assert.ok(shards.every(({ whole }) => whole))
})

test('a shard that is over makes room, and one that waited does so no more', async () => {
  const shards = open(3, 1)
  for (const shard of shards) shard.send()
  await settle()
  const [waiting, other] = shards.filter(({ whole }) => !whole)
  assert.ok(waiting !== undefined && other !== undefined)
  waiting.share.close()
  shards.find(({ whole }) => whole)?.share.close()
  await settle()
  assert.equal(other.whole, true)
})

class Reader {
  readonly input: PassThrough = new PassThrough()
  readonly share: Share
  lines = 0
  done = false

  constructor(budget: Budget) {
    this.share = budget.open(this.input)
    this.input.on('data', (chunk: Buffer) => {
      if (chunk.at(-1) === 0x0a) this.lines += 1
    })
    this.input.resume()
  }

  get whole(): boolean {
    return this.lines > 0
  }

  /** Sends a message piece by piece, as a pipe gives it. */
  send(): void {
    for (let piece = 1; piece <= PIECES; piece += 1) {
      this.input.write(Buffer.alloc(PIECE, piece === PIECES ? '\n' : 'x'))
    }
  }

  finish(): void {
    this.done = true
    this.share.acknowledged()
  }
}

function open(count: number, limit: number): Reader[] {
  const budget = new Budget(limit)
  return Array.from({ length: count }, () => new Reader(budget))
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
