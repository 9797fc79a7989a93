// What each program of the guides prints and writes, over all shards, besides the summary of dev. With faults some of it comes twice.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the programs write, in a folder. */
export function filesIn(folder: string): Readonly<Record<'DEAD_LETTERS' | 'BULK_FILE' | 'DATABASE', string>> {
  return {
    DEAD_LETTERS: join(folder, 'dead-letters.ndjson'),
    BULK_FILE: join(folder, 'bulk.ndjson'),
    DATABASE: join(folder, 'earthquakes.sqlite'),
  }
}

/** By folder and name; `text` is all that was printed, `node` what the program was run by. */
export const EXPECTED: Readonly<Record<string, (text: string, folder: string, node: string) => void>> = {
  'print/consumer': (text) => {
    assert.equal(text.match(/^shardId-00000000000[0-3] \w+ \{"id":/gm)?.length, 1707)
    assert.match(text, /^shardId-\d+ (\w+) \{"id":"\1",.*22km NNE of Hualian, Taiwan/m)
  },
  'how-it-works/consumer': (text) => {
    const shards = [
      ...text.matchAll(/^process (\d+) has the lease of (shardId-\d+), from (\d+|TRIM_HORIZON)$/gm),
    ]
    assert.equal(new Set(shards.map(([, pid]) => pid)).size, shards.length, 'each lease has a process')
    assert.equal(new Set(shards.map(([, , shard]) => shard)).size, 5)
    const ended = text.match(/^shardId-\d+ . the shard is read to its end/gm)
    assert.equal(new Set(ended).size, 5)
  },
  'count/consumer': (text) => {
    const counts = [...text.matchAll(/^(shardId-\d+): (\d+) of (\d+) were strong$/gm)]
    assert.equal(new Set(counts.map(([, shard]) => shard)).size, 4)
  },
  'count/policy': (text) => {
    const counts = [...text.matchAll(/^shardId-\d+: (\d+) records, (\d+) checkpoints$/gm)]
    assert.equal(sum(counts.map(([, all]) => all)), 1707)
    assert.ok(sum(counts.map(([, , stored]) => stored)) >= 2)
  },
  'count/buffer': (text) => {
    const written = [...text.matchAll(/^shardId-\d+ . wrote (\d+) records$/gm)]
    assert.ok(sum(written.map(([, count]) => count)) >= 1707)
  },
  'count/handler': (text) => {
    const told = [...text.matchAll(/^shardId-\d+ . (\w+) \d+(?:\.\d+)?$/gm)].map(([, id]) => id)
    assert.equal(new Set(told).size, stronger(5))
    assert.doesNotMatch(text, /gave .* up/)
  },
  'dead-letters/consumer': (_text, folder) => {
    const letters = lines(filesIn(folder).DEAD_LETTERS).map((line) => JSON.parse(line) as Letter)
    const ids = new Set(letters.map(({ record }) => record.partitionKey))
    assert.equal(ids.size, earthquakes.filter(({ type }) => type !== 'earthquake').length)
    for (const { record } of letters) {
      const { type } = JSON.parse(Buffer.from(record.data, 'base64').toString()) as { type: string }
      assert.notEqual(type, 'earthquake')
    }
  },
  'dead-letters/away': (text) => {
    const told = [...text.matchAll(/^(shardId-\d+) . (\d+) stored, 0 given up, (\d+) tries in vain$/gm)]
    assert.equal(new Set(told.map(([, shard]) => shard)).size, 2)
    assert.ok(sum(told.map(([, , , inVain]) => inVain)) > 16)
    assert.doesNotMatch(text, /[1-9]\d* given up/)
  },
  'dead-letters/validated': (text) => {
    const shards = [...text.matchAll(/the strongest had ([\d.]+), (\d+) did not fit$/gm)]
    assert.equal(Math.max(...shards.map(([, strongest]) => Number(strongest))), 6.4)
    const odd = earthquakes.filter(({ magnitude }) => magnitude < 0)
    assert.equal(sum(shards.map(([, , count]) => count)), odd.length)
  },
  'bulk/consumer': (_text, folder) => {
    const ids = lines(filesIn(folder).BULK_FILE).map((line) => (JSON.parse(line) as { id: string }).id)
    assert.equal(new Set(ids).size, 1707)
  },
  'several-shards/consumer': (text) => {
    const counts = [...text.matchAll(/^shardId-\d+ \| done$/gm)]
    assert.equal(counts.length, 4)
    assert.match(text, new RegExp(`^strong: ${stronger(4.5)}$`, 'm'))
  },
  'parallel/consumer': (text) => {
    const shards = [...text.matchAll(/^(shardId-\d+): \d+ records, at most (\d+) at once$/gm)]
    assert.equal(new Set(shards.map(([, shard]) => shard)).size, 4)
    const most = Math.max(...shards.map(([, , atOnce]) => Number(atOnce)))
    assert.ok(most > 1 && most <= 64, `${most} at once`)
  },
  'sqlite/consumer': (_text, folder, node) => {
    const query =
      "const {DatabaseSync} = require('node:sqlite'); const all = new DatabaseSync(process.argv[1])" +
      ".prepare('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM earthquake').get(); console.log(all.n, all.ids)"
    const counted = execFileSync(node, ['-e', query, filesIn(folder).DATABASE], { encoding: 'utf8' })
    assert.equal(counted.trim(), '1707 1707')
  },
  'monitoring/consumer': (text) => {
    const [, seconds] = /at most (\d+\.\d) s behind$/m.exec(text) ?? []
    assert.ok(Number(seconds) >= 1.5, text)
  },
  'logging/consumer': strongLines,
  'logging/winston': strongLines,
  'service/consumer': strongOnes,
  'migrating/consumer': strongOnes,
}

interface Letter {
  readonly record: { readonly partitionKey: string; readonly data: string }
}

const earthquakes = lines(new URL('../../../samples/data/earthquakes.ndjson', import.meta.url)).map(
  (line) => JSON.parse(line) as { magnitude: number; type: string },
)

function strongLines(text: string): void {
  const told = [...text.matchAll(/^\{.*"strong".*\}$/gm)].map(
    ([line]) => (JSON.parse(line) as { sequenceNumber: string }).sequenceNumber,
  )
  assert.equal(new Set(told).size, stronger(5))
}

function strongOnes(text: string): void {
  const counts = [...text.matchAll(/strong: (\d+)$/gm)]
  assert.equal(sum(counts.map(([, strong]) => strong)), stronger(4.5))
}

function lines(file: string | URL): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}

function stronger(than: number): number {
  return earthquakes.filter(({ magnitude }) => magnitude >= than).length
}

function sum(numbers: (string | undefined)[]): number {
  return numbers.reduce((total, number) => total + Number(number), 0)
}
