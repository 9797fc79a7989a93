import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = new URL('../../../', import.meta.url)
const samples = readdirSync(new URL('samples/', root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'data')
  .map(({ name }) => name)

const magnitudes = readFileSync(new URL('samples/data/earthquakes.ndjson', root), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => (JSON.parse(line) as { magnitude: number | null }).magnitude ?? 0)

// What each prints besides the summary, over all shards.
const prints: Record<string, (text: string) => void> = {
  print: (text) => {
    assert.equal(text.match(/^shardId-00000000000[0-3] 2018-0/gm)?.length, 1707)
    assert.match(text, /^shardId-\d+ 2018-02-06T15:50:42.400Z 6.4 22km NNE of Hualian, Taiwan$/m)
  },
  count: (text) => {
    const counts = [...text.matchAll(/^shardId-\d+: (\d+) of (\d+) were strong$/gm)]
    assert.equal(sum(counts.map(([, strong]) => strong)), stronger(4.5))
    assert.equal(sum(counts.map(([, , all]) => all)), 1707)
  },
  policy: (text) => {
    const counts = [...text.matchAll(/^shardId-\d+: (\d+) records, (\d+) checkpoints$/gm)]
    assert.equal(sum(counts.map(([, all]) => all)), 1707)
    assert.ok(sum(counts.map(([, , stored]) => stored)) >= 4)
  },
  buffer: (text) => {
    const written = [...text.matchAll(/^shardId-\d+ . wrote (\d+) records$/gm)]
    assert.equal(sum(written.map(([, count]) => count)), 1707)
  },
  handler: (text) => {
    assert.equal(text.match(/^shardId-\d+ . \w+ \d+(\.\d+)?$/gm)?.length, stronger(5))
    assert.doesNotMatch(text, /gave .* up/)
  },
}

for (const sample of samples) {
  test(`the sample "${sample}" takes all earthquakes, and everything is stored`, async () => {
    const { stdout, stderr } = await dev(sample)
    const text = stdout + stderr
    assert.match(text, /1,707 of 1,707 records acknowledged and checkpointed over 4 shards/)
    prints[sample]?.(text)
  })
}

test('every sample has its expectations, its properties, and fewer than fifty lines', () => {
  assert.deepEqual(Object.keys(prints).sort(), samples.sort())
  for (const sample of samples) {
    const source = readFileSync(new URL(`samples/${sample}/consumer.ts`, root), 'utf8')
    assert.ok(source.split('\n').length < 50)
    assert.match(source, /from 'kcl-session'/)
    assert.match(readFileSync(new URL(`samples/${sample}/app.properties`, root), 'utf8'), /^streamName = /m)
  }
})

test("the README's first example is the sample that prints", () => {
  const readme = readFileSync(new URL('README.md', root), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]
  assert.equal(example, readFileSync(new URL('samples/print/consumer.ts', root), 'utf8'))
})

function dev(sample: string): Promise<{ stdout: string; stderr: string }> {
  const args = ['dist/lib/cli/main.js', 'dev', '--input', 'samples/data/earthquakes.ndjson', '--key', 'id']
  const consumer = ['--shards', '4', '--', process.execPath, `dist/samples/${sample}/consumer.js`]
  return promisify(execFile)(process.execPath, [...args, ...consumer], { cwd: fileURLToPath(root) })
}

function stronger(than: number): number {
  return magnitudes.filter((magnitude) => magnitude >= than).length
}

function sum(numbers: (string | undefined)[]): number {
  return numbers.reduce((total, number) => total + Number(number), 0)
}
