import assert from 'node:assert/strict'
import { test } from 'node:test'
import { liveLines, Rates, totalLine } from '../../lib/cli/dev-progress.ts'
import { Display, type LiveLine } from '../../lib/cli/display.ts'
import { type Shard, Stream } from '../../lib/daemon/stream/stream.ts'
import { ShardProgress } from '../../lib/daemon/watch/progress.ts'

test('prints whole lines and nothing else where there is no terminal', () => {
  const { output, written } = terminal(false)
  const display = new Display(output, () => ['live'])
  display.start()
  display.print('one', 'two')
  display.print()
  display.stop()
  assert.equal(written.join(''), 'one\ntwo\n')
})

test('draws its live lines again below what is printed, cut to the width', () => {
  const { output, written } = terminal(true)
  let frame = 0
  const display = new Display(output, () => {
    frame += 1
    return [`frame ${frame}`, 'x'.repeat(200)]
  })
  display.start()
  display.print('hello')
  display.print('again')
  display.stop()
  display.print('after')
  const wide = 'x'.repeat(39)
  assert.deepEqual(written, [
    `hello\nframe 1\n${wide}\n`,
    `\x1b[2A\x1b[0Jagain\nframe 2\n${wide}\n`,
    '\x1b[2A\x1b[0J',
    'after\n',
  ])
})

test('colours where the output is a terminal that is to have colours, and nowhere else', () => {
  const { output, written } = terminal(true)
  const coloured = { ...output, hasColors: () => true }
  const live = (): LiveLine[] => [{ style: 'notable', text: 'x'.repeat(200) }]
  const display = new Display(coloured, live)
  assert.equal(display.paint('bad', 'no'), '\x1b[31mno\x1b[0m')
  display.start()
  display.print('hello')
  display.stop()
  assert.equal(written[0], `hello\n\x1b[33m${'x'.repeat(39)}\x1b[0m\n`)
  for (const other of [output, { ...output, hasColors: () => false }, { ...coloured, isTTY: false }]) {
    assert.equal(new Display(other).paint('bad', 'no'), 'no')
  }
})

test('shows records, rate, lag, last checkpoint and the age of the action in hand', () => {
  const stream = new Stream({ shards: 1, createdAt: 0 })
  for (let ordinal = 0; ordinal < 3000; ordinal += 1) stream.put(ordinal, () => 'key')
  const progress = new ShardProgress(stream.shards[0] as Shard, 0)
  progress.begin(0)
  progress.deliver(2000, 1234)
  progress.acknowledge()
  progress.store(1500)
  progress.act('processRecords')
  const now = progress.actionSince + 2500
  const rates = new Rates(now - 2000)
  const [, header = '', line = '', total = ''] = liveLines([progress], rates, now, 24).map(textOf)
  assert.match(header, /records +rate +lag +checkpoint +in hand/)
  assert.match(
    line,
    /^shardId-000000000000 +2,000\/3,000 +1,000\/s +1\.2 s +2\.5 s ago +processRecords 2\.5 s$/,
  )
  assert.equal(total, '2,000 of 3,000 records acknowledged, 1,500 checkpointed, 1,000/s')
})

test('leaves room for the log when there are many shards', () => {
  const stream = new Stream({ shards: 50, createdAt: 0 })
  const progress = stream.shards.map((shard) => new ShardProgress(shard, 0))
  const lines = liveLines(progress, new Rates(0), 10, 24)
  assert.ok(lines.length < 24)
  assert.equal(lines.at(-2), '… and 32 more shards')
})

test('tells the rate of the last second', () => {
  const rates = new Rates(0)
  const shards = new Stream({ shards: 1, createdAt: 0 }).shards as [Shard]
  assert.equal(
    totalLine([new ShardProgress(shards[0], 0)], rates, 10),
    '0 of 0 records acknowledged, 0 checkpointed, -',
  )
  assert.equal(rates.rate('a', 1000, 1000), 1000)
  assert.equal(rates.rate('a', 1200, 1500), 1000)
  assert.equal(rates.rate('a', 1200, 2000), 200)
})

test('tells the rate of a slow handler over the time that a batch takes, not as none between two batches', () => {
  const rates = new Rates(0)
  assert.equal(rates.rate('a', 0, 9000), null)
  assert.equal(rates.rate('a', 100, 10_000), 10)
  assert.equal(rates.rate('a', 100, 11_000), 10)
  assert.equal(rates.rate('a', 100, 20_000), 10)
  // Late: it has become slower, or stands still.
  assert.equal(rates.rate('a', 100, 50_000), 2.5)
  assert.equal(rates.rate('a', 180, 50_000), 2)
})

function textOf(line: LiveLine): string {
  return typeof line === 'string' ? line : line.text
}

function terminal(isTTY: boolean) {
  const written: string[] = []
  const output = { isTTY, columns: 40, rows: 24, write: (text: string) => written.push(text) }
  return { output, written }
}
