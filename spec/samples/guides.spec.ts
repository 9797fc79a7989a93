// The pages beside the samples: each opens with its program, leads somewhere, and quotes what is there.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pythonSources } from '../helpers/python.ts'

const root = new URL('../../../', import.meta.url)
const samples = new URL('samples/', root)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const folders = readdirSync(samples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
const pages = [
  'README.md',
  'lib/launcher/README.md',
  'samples/README.md',
  ...folders.map((folder) => `samples/${folder}/README.md`).filter((page) => existsSync(new URL(page, root))),
]

test('a page begins with the program that stands beside it', () => {
  const programs = ['consumer.ts', 'consumer.test.ts']
  const found = programs.flatMap((program) =>
    folders
      .map((folder) => [`samples/${folder}/README.md`, `samples/${folder}/${program}`] as const)
      .filter((pair) => pair.every((path) => existsSync(new URL(path, root)))),
  )
  // All but those that deploy, and those that compare.
  assert.ok(found.length >= 15, `${found.length} pages with a program`)
  for (const [page, program] of found) {
    const [, block] = /^# .*\n\n```ts\n([\s\S]*?)^```$/m.exec(read(page)) ?? []
    assert.equal(block, read(program), page)
  }
})

test('every program stands in its page as it is', () => {
  for (const folder of folders) {
    for (const file of readdirSync(new URL(`${folder}/`, samples)).filter((name) =>
      /^[\w-]+\.ts$/.test(name),
    ))
      assert.ok(
        read(`samples/${folder}/README.md`).includes(`\`\`\`ts\n${read(`samples/${folder}/${file}`)}\`\`\``),
        file,
      )
  }
})

test('each guide leads to the next, in the order of the index, and to troubleshooting at last', () => {
  const order = [...read('samples/README.md').matchAll(/^\|.*\]\(([\w-]+)\/README\.md\) \|/gm)].map(
    ([, folder = '']) => folder,
  )
  const guides = order.slice(0, order.indexOf('troubleshooting') + 1)
  assert.equal(guides.length, 17)
  for (const [at, folder] of guides.slice(0, -1).entries()) {
    const [, next] =
      /^Next: \[.*?\]\(\.\.\/([\w-]+)\/README\.md\)/m.exec(read(`samples/${folder}/README.md`)) ?? []
    assert.equal(next, guides[at + 1], folder)
  }
})

test('the other files that a page shows are those beside it', () => {
  const shown = [
    ['migrating', 'js', 'aws-kcl.cjs'],
    ['migrating', 'py', 'amazon_kclpy_consumer.py'],
    ['migrating', 'python', 'kclpy_consumer.py'],
    ['runtimes', 'json', 'tsconfig.json'],
    ['runtimes', 'cts', 'consumer.cts'],
    ['service', 'typescript', 'nest/consumer.ts'],
    ['deploying', 'ini', 'orders-consumer.service'],
    ['deploying', 'yaml', 'deployment.yaml'],
    ['aws', 'json', 'policy.json'],
  ]
  for (const [folder, language, file] of shown) {
    const [, block] =
      new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(
        read(`samples/${folder}/README.md`),
      ) ?? []
    assert.equal(block, read(`samples/${folder}/${file}`))
  }
})

test('every link between the documents leads to a file', () => {
  for (const page of pages) {
    const links = [...read(page).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = '']) => link)
    for (const link of links.filter((to) => !/^\w+:/.test(to))) {
      const target = new URL(link, new URL(page, root))
      assert.ok(existsSync(target), `${page}: ${link}`)
    }
  }
})

test('the index names every folder', () => {
  const index = read('samples/README.md')
  for (const folder of folders) assert.ok(index.includes(`](${folder}/`), folder)
})

test('what the page on troubleshooting quotes is said by the code', () => {
  const sources = readdirSync(new URL('lib', root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`lib/${file.replaceAll('\\', '/')}`))
    .join('\n')
  const [, table = ''] = read('samples/troubleshooting/README.md').split('| what is said | what it means')
  const quotes = [...table.matchAll(/^\| (`.*?) \| /gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, quote = '']) => quote),
  )
  assert.ok(quotes.length > 15, `${quotes.length} quotes`)
  for (const quote of quotes) {
    const asWritten = [quote, quote.replaceAll("'", "\\'")]
    assert.ok(
      asWritten.some((text) => sources.includes(text)),
      quote,
    )
  }
})

test('the policy has every right that the code names', () => {
  const policy = JSON.parse(read('samples/aws/policy.json')) as { Statement: { Action: string[] }[] }
  const actions = policy.Statement.flatMap(({ Action }) => Action)
  for (const right of [
    'kinesis:DescribeStreamSummary',
    'kinesis:ListShards',
    'dynamodb:Scan',
    'dynamodb:GetItem',
    'dynamodb:UpdateItem',
  ])
    assert.ok(actions.includes(right), right)
})

test('the old program on aws-kcl counts what the new one counts, shard by shard', async () => {
  const old = await dev('--protocol=stdio', 'samples/migrating/aws-kcl.cjs')
  const now = await dev('--protocol=fds', 'dist/samples/migrating/consumer.js')
  assert.equal(old.length, 4)
  assert.deepEqual(now, old)
})

test('the old program on amazon_kclpy counts what the new one counts, shard by shard', async (t) => {
  const sources = pythonSources('amazon_kclpy', '3.2.0')
  if ('missing' in sources) return t.skip(sources.missing)
  const old = 'samples/migrating/amazon_kclpy_consumer.py'
  const counted = await dev('--protocol=stdio', old, { PYTHONPATH: sources.folder })
  assert.equal(counted.length, 4)
  assert.deepEqual(await dev('--protocol=fds', 'dist/samples/migrating/consumer.js'), counted)
})

// It dies of the end of a shard, as the page says, but not before it has counted.
test('the old program on kclpy counts what the new one counts', async (t) => {
  const sources = pythonSources('kclpy', '0.2.0')
  if ('missing' in sources) return t.skip(sources.missing)
  const input = ['--input', 'samples/data/earthquakes.ndjson', '--key', 'id']
  const counted = async (...consumer: string[]): Promise<string | undefined> => {
    const args = ['dist/lib/cli/main.js', 'dev', '--protocol=stdio', ...input, '--', ...consumer]
    const env = { ...process.env, PYTHONPATH: sources.folder }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env }).catch(
      (ended: { stdout: string; stderr: string }) => ended,
    )
    assert.match(stdout + stderr, /1,707 of 1,707 records acknowledged/)
    return /strong: \d+/.exec(stdout + stderr)?.[0]
  }
  const old = await counted('python3', 'samples/migrating/kclpy_consumer.py')
  assert.equal(old, 'strong: 85')
  assert.equal(await counted(process.execPath, 'dist/samples/migrating/consumer.js'), old)
})

test('the tests of the page on testing pass', async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const args = ['--test', '--test-reporter=tap', 'dist/samples/testing/consumer.test.js']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root), env })
  assert.match(stdout, /^# pass 6$/m)
})

async function dev(protocol: string, program: string, more: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const input = ['--input', 'samples/data/earthquakes.ndjson', '--key', 'id', '--shards', '4']
  const runtime = program.endsWith('.py') ? 'python3' : process.execPath
  const args = ['dist/lib/cli/main.js', 'dev', protocol, ...input, '--', runtime, program]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: fileURLToPath(root),
    env: { ...process.env, ...more },
  })
  assert.match(stdout + stderr, /1,707 of 1,707 records acknowledged and checkpointed/)
  return [...(stdout + stderr).matchAll(/(shardId-\d+).*(strong: \d+)$/gm)]
    .map(([, shard, strong]) => `${shard} ${strong}`)
    .sort()
}
