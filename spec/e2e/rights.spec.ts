// The policy of the guide, held to every request that the daemon and the commands really make: none that it does not
// allow, and none allowed that nobody makes.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Running, start } from '../helpers/command.ts'
import { type Asked, Recorder } from './recorder.ts'
import { fixture, recordsOf, Stack, until, type World, whyNot } from './stack.ts'

const guide = new URL('../../../samples/aws/', import.meta.url)
const allowed = rightsOf(readFileSync(new URL('policy.json', guide), 'utf8'))
const page = readFileSync(new URL('README.md', guide), 'utf8')
// What the policy allows although it is not asked for here.
const LATER: Readonly<Record<string, string>> = {
  'dynamodb:DeleteItem table/APPLICATION': 'five minutes after the end of a shard its lease goes',
  'dynamodb:DeleteItem table/APPLICATION-WorkerMetricStats': 'a day after its end the row of a worker goes',
}
const seen = new Set<string>()

describe('the rights of the guide', { skip: await whyNot(), timeout: 460_000 }, () => {
  let stack: Stack
  before(async () => {
    stack = await Stack.start()
  })
  after(() => stack.stop())

  test('a worker asks for nothing else: without tables, through a split and a crash, until it stops', async (t) => {
    const { world, flags, asked } = await recorded(t, stack, 'whole')
    await world.put(recordsOf(['one', 'two', 'three', 'four'], (at) => `key ${at}`))
    const running = world.run({ flags: [...flags, '--application-name=app-fresh', '--restart'] })
    await until('all were seen', running, () => world.records().length >= 4)
    const request = { ShardToSplit: 'shardId-000000000000', NewStartingHashKey: String(2n ** 126n) }
    await world.reshard('SplitShard', request)
    const shards = (): number => new Set(world.notes().map(({ shard }) => shard)).size
    await until('the children were there', running, () => shards() === 4)
    process.kill(parentOf(world.notes().at(-1)?.pid ?? 0), 'SIGKILL')
    await running.seen(/Starting the daemon again/)
    const noted = world.notes().length
    await until('it was at work again', running, () => world.notes().length > noted)
    await stopped(running)
    allows(asked())
  })

  test('fan-out asks for nothing else', async (t) => {
    const { world, flags, asked } = await recorded(t, stack, 'fanout')
    const running = world.run({ flags: [...flags, '--retrieval-mode=FANOUT'] })
    await until('it subscribed', running, () =>
      asked().has('kinesis:SubscribeToShard stream/STREAM/consumer/*'),
    )
    await stopped(running)
    allows(asked())
  })

  test('tags and recovery of a table ask for what the guide says, and for nothing else', async (t) => {
    const { world, flags, asked } = await recorded(t, stack, 'more')
    const more = ['--lease-table-pitr-enabled=true', '--coordinator-state-tags=team=orders']
    const running = world.run({ flags: [...flags, ...more, '--application-name=app-tagged'] })
    const named = [
      'dynamodb:TagResource table/APPLICATION-CoordinatorState',
      'dynamodb:UpdateContinuousBackups table/APPLICATION',
    ]
    await until('both were asked for', running, () => named.every((right) => asked().has(right)))
    await stopped(running)
    allows(new Set([...asked()].filter((right) => !named.includes(right))))
    for (const right of named) assert.ok(page.includes(`\`${right.split(' ')[0]}\``), right)
  })

  test('every command asks for what the guide says, and for nothing else', async (t) => {
    const { world, flags, asked, forget } = await recorded(t, stack, 'commands')
    writeFileSync(join(world.folder, 'words.ndjson'), '{"id":1}\n{"id":2}\n')
    const running = world.run()
    await world.put(recordsOf(['one', 'two', 'three', 'four'], (at) => `key ${at}`))
    await until('all were seen', running, () => world.records().length >= 4)
    await stopped(running)
    await world.forgetWorkers()
    const consumer = ['--', process.execPath, fixture('e2e-consumer.js')]
    const copy = (): string => readdirSync(world.folder).find((file) => file.endsWith('.json')) ?? ''
    const inTurn: Readonly<Record<string, () => string[]>> = {
      put: () => ['put', '--input=words.ndjson'],
      'dev --stream-name': () => [
        'dev',
        '--stream-name=commands',
        '--from=earliest',
        '--until=now',
        ...consumer,
      ],
      'check --online': () => ['check', '--online', ...consumer],
      status: () => ['status'],
      'status --lag': () => ['status', '--lag'],
      reset: () => ['reset', '--to=earliest'],
      'reset --execute': () => ['reset', '--to=earliest', '--execute'],
      'reset --restore': () => ['reset', `--restore=${copy()}`, '--execute'],
    }
    const rows = new Map(
      [...page.matchAll(/^\| `([^`]+)` \| (.*(?:kinesis|dynamodb):.*) \|$/gm)].map((row) => [
        row[1],
        row[2] ?? '',
      ]),
    )
    assert.deepEqual([...rows.keys()], Object.keys(inTurn))
    for (const [name, wordsOf] of Object.entries(inTurn)) {
      forget()
      const [command = '', ...rest] = wordsOf()
      const places = /^(put|dev)$/.test(command) ? flags.slice(0, 1) : flags.slice(0, 2)
      const words = [command, '--config=app.properties', ...places, ...rest]
      const { code, stderr } = await start(t, words, { cwd: world.folder }).ended
      assert.equal(code, 0, `${name}: ${stderr}`)
      const row = rows.get(name) ?? ''
      const actions = new Set([...asked()].map((right) => right.split(' ')[0]))
      assert.deepEqual(
        [...actions].sort(),
        [...row.matchAll(/`(\w+:\w+)`/g)].map(([, action]) => action).sort(),
        name,
      )
      const tables = new Set(
        [...asked()].map((right) => right.split(' ')[1]).filter((resource) => resource?.startsWith('table/')),
      )
      assert.equal(
        tables.size,
        row.includes('all three tables') ? 3 : row.includes('lease table') ? 1 : 0,
        name,
      )
    }
  })

  // The intervals are those of the local stack, and a busy machine may stretch them.
  test('a shard at rest costs a read in each idle time, and three writes in each failover time', async (t) => {
    const { world, flags, kinesis, dynamoDB } = await recorded(t, stack, 'costs')
    const running = world.run({ flags })
    await until('both had begun', running, () => world.notes().length === 2)
    for (const recorder of [kinesis, dynamoDB]) recorder.take()
    const seconds = 15
    await setTimeout(seconds * 1000)
    const reads = kinesis.take().filter(({ action }) => action === 'GetRecords').length
    const writes = dynamoDB
      .take()
      .filter(({ action, request }) => action === 'UpdateItem' && request.TableName === 'app-costs').length
    await stopped(running)
    assertAbout(reads, (2 * seconds) / 0.25)
    assertAbout(writes, (2 * seconds * 3) / 5)
  })

  test('the policy allows nothing that nobody asks for', () => {
    assert.deepEqual([...seen, ...Object.keys(LATER)].sort(), [...allowed].sort())
  })
})

interface Recorded {
  readonly world: World
  /** For a worker, to ask by way of the recorders: where Kinesis is, and where DynamoDB, first. */
  readonly flags: readonly string[]
  /** The rights that were asked for. */
  asked(): ReadonlySet<string>
  forget(): void
  readonly kinesis: Recorder
  readonly dynamoDB: Recorder
}

// A stream and its application, with a recorder before each service.
async function recorded(t: TestContext, stack: Stack, name: string): Promise<Recorded> {
  const world = await stack.world(t, name, 2)
  const properties = readFileSync(join(world.folder, 'app.properties'), 'latin1').replaceAll('\\', '')
  const of = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(properties)?.[1] ?? ''
  const kinesis = await Recorder.start(t, of('kinesisEndpoint'))
  const dynamoDB = await Recorder.start(t, of('dynamoDBEndpoint'), 'UpdateContinuousBackups')
  const cloudWatch = await Recorder.start(t)
  const rights = new Set<string>()
  return {
    world,
    kinesis,
    dynamoDB,
    flags: [
      `--kinesis-endpoint=${kinesis.endpoint}`,
      `--dynamo-db-endpoint=${dynamoDB.endpoint}`,
      '--metrics-level=SUMMARY',
      `--set=cloudWatchClient.endpointOverride=${cloudWatch.endpoint}`,
    ],
    asked() {
      for (const { action } of kinesis.take()) rights.add(streamRight(action))
      for (const one of dynamoDB.take()) for (const right of tableRights(one)) rights.add(right)
      for (const { action } of cloudWatch.take()) rights.add(`cloudwatch:${action} *`)
      return rights
    },
    forget() {
      for (const recorder of [kinesis, dynamoDB, cloudWatch]) recorder.take()
      rights.clear()
    },
  }
}

function streamRight(action: string): string {
  const ofConsumer = /^(DescribeStreamConsumer|SubscribeToShard)$/.test(action)
  return `kinesis:${action} stream/STREAM${ofConsumer ? '/consumer/*' : ''}`
}

function tableRights({ action, request }: Asked): string[] {
  const table = `table/${String(request.TableName).replace(/^app-[a-z]+/, 'APPLICATION')}`
  return [
    `dynamodb:${action} ${table}${request.IndexName === undefined ? '' : '/index/*'}`,
    ...(request.Tags === undefined ? [] : [`dynamodb:TagResource ${table}`]),
  ]
}

function allows(asked: ReadonlySet<string>): void {
  assert.deepEqual(
    [...asked].filter((right) => !allowed.has(right)),
    [],
  )
  for (const right of asked) seen.add(right)
}

// Each action with each resource, without the place that all resources have in common.
function rightsOf(policy: string): Set<string> {
  const { Statement } = JSON.parse(policy) as { Statement: { Action: string[]; Resource: string }[] }
  const rights = Statement.flatMap(({ Action, Resource }) => {
    const resource = Resource.replace(/^arn:aws:\w+:REGION:ACCOUNT:/, '')
    return Action.map((action) => `${action} ${resource}`)
  })
  return new Set(rights)
}

async function stopped(running: Running): Promise<void> {
  running.child.kill('SIGTERM')
  await running.ended
}

function assertAbout(count: number, expected: number): void {
  assert.ok(count > expected / 2 && count < expected * 1.25, `${count}, where ${expected} were to come`)
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}
