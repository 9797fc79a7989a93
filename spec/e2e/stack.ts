// The local stack for the specs with the real daemon: started once, a fresh stream and application per test,
// and a launcher per worker. What is missing on this machine is told, and fails where KCL_SESSION_REQUIRE_E2E=1.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AwsCall, awsClient } from '../../lib/aws/client.ts'
import { fetchJars } from '../../lib/launcher/machine/jar-folder.ts'
import { daemonJars } from '../../lib/launcher/machine/jar-set.ts'
import { findJava } from '../../lib/launcher/machine/java.ts'
import { mavenVersion } from '../../lib/launcher/machine/maven.ts'
import { localProperties } from '../../lib/local/local-properties.ts'
import { type OutgoingRecord, putRecords } from '../../lib/local/put.ts'
import { seed } from '../../lib/local/seed.ts'
import { type Servers, startServers } from '../../lib/local/servers.ts'
import { systemClock } from '../../lib/time.ts'
import { type Running, type Scope, start, temporaryFolder } from '../helpers/command.ts'

const REGION = 'us-east-1'
// What takes seconds on an idle machine may take a minute on a busy one.
const PATIENCE = 120_000

/** Why these specs cannot run here, or false. Throws where they must. */
export async function whyNot(): Promise<string | false> {
  const reason = await missing()
  if (reason !== false && process.env.KCL_SESSION_REQUIRE_E2E === '1') {
    throw new Error(`KCL_SESSION_REQUIRE_E2E=1, but ${reason}.`)
  }
  return reason !== false && `${reason}; KCL_SESSION_REQUIRE_E2E=1 makes this a failure`
}

async function missing(): Promise<string | false> {
  if (process.platform === 'win32') return 'run is for Linux and macOS'
  try {
    await findJava(process.env, 17)
  } catch {
    return 'there is no Java of 17 or later'
  }
  return (await mavenVersion(process.env)) === undefined ? 'there is no Maven' : false
}

/** A line that the fixture wrote. */
export interface Note {
  readonly at: string
  readonly shard: string
  readonly pid: number
  readonly key: string
  readonly text: string
  readonly sequenceNumber: string
  readonly subSequenceNumber: number
  /** When Kinesis had the record, in milliseconds since the epoch. */
  readonly arrivedAt?: number
}

type Row = Record<string, { S?: string; N?: string } | undefined>

/** A lease as it stands in the table. */
export interface Lease {
  readonly shardId: string
  readonly checkpoint: string
  readonly subSequenceNumber: number
  readonly owner: string | undefined
}

/** Both services, for all tests of a file. */
export class Stack {
  readonly kinesis: AwsCall
  readonly dynamoDB: AwsCall
  readonly #servers: Servers
  readonly #jars: string

  private constructor(servers: Servers, jars: string) {
    this.#servers = servers
    this.#jars = jars
    const place = { region: REGION, environment: {} }
    this.kinesis = awsClient({ ...place, service: 'kinesis', endpoint: servers.kinesisEndpoint })
    this.dynamoDB = awsClient({ ...place, service: 'dynamodb', endpoint: servers.dynamoDBEndpoint })
  }

  static async start(): Promise<Stack> {
    const options = { environment: process.env, note: (text: string) => console.error(text) }
    const jars = await fetchJars(daemonJars, options)
    return new Stack(
      await startServers({ ...options, kinesisPort: 0, dynamoDBPort: 0, region: REGION }),
      jars,
    )
  }

  stop(): Promise<void> {
    return this.#servers.stop()
  }

  /** A stream and an application with seeded leases, under a name of their own; a stream that is there stays as it is. */
  async world(t: Scope, name: string, shards: number, application = `app-${name}`): Promise<World> {
    const { kinesisEndpoint, dynamoDBEndpoint } = this.#servers
    const names = {
      streamName: name,
      applicationName: application,
      region: REGION,
      kinesisEndpoint,
      dynamoDBEndpoint,
    }
    // Every test has workers of its own, so the leases are made out to the name that its first one is given.
    await seed({ ...names, shards, leaseOwner: `${name}-1` })
    return new World(t, this, name, temporaryFolder(t), localProperties(names), this.#jars)
  }
}

/** A stream, its application, and a folder for what its consumers write down. */
export class World {
  readonly folder: string
  readonly #t: Scope
  readonly #stack: Stack
  readonly #name: string
  readonly #jars: string

  constructor(t: Scope, stack: Stack, name: string, folder: string, properties: string, jars: string) {
    this.#t = t
    this.#stack = stack
    this.#name = name
    this.#jars = jars
    this.folder = folder
    writeFileSync(join(folder, 'app.properties'), properties)
  }

  put(records: Iterable<OutgoingRecord>): Promise<number> {
    return putRecords({ kinesis: this.#stack.kinesis, stream: this.#name, records, clock: systemClock })
  }

  /** Starts a worker of this application. */
  run(
    options: {
      flags?: readonly string[]
      command?: readonly string[]
      env?: NodeJS.ProcessEnv
      cwd?: string
      worker?: number
    } = {},
  ): Running {
    const {
      flags = [],
      command = [process.execPath, fixture('e2e-consumer.js')],
      env = {},
      cwd,
      worker = 1,
    } = options
    const { PATH, JAVA_HOME } = process.env
    const words = [
      'run',
      `--config=${join(this.folder, 'app.properties')}`,
      `--worker-identifier=${this.#name}-${worker}`,
    ]
    return start(this.#t, [...words, ...flags, ...(command.length > 0 ? ['--', ...command] : [])], {
      cwd: cwd ?? this.folder,
      env: { PATH, ...(JAVA_HOME && { JAVA_HOME }), KCL_SESSION_JARS: this.#jars, OUT: this.out, ...env },
    })
  }

  get out(): string {
    return join(this.folder, 'out.ndjson')
  }

  /** What the consumers have written down so far. */
  notes(): Note[] {
    if (!existsSync(this.out)) return []
    const lines = readFileSync(this.out, 'utf8').split('\n')
    return lines.slice(0, -1).map((line) => JSON.parse(line) as Note)
  }

  records(): Note[] {
    return this.notes().filter(({ at }) => at === 'record')
  }

  /** Reads the same stream with the embedded daemon, beside the application; its consumers write to a file of their own. */
  dev(args: readonly string[]): Running {
    const words = ['dev', `--config=${join(this.folder, 'app.properties')}`, ...args]
    return start(this.#t, [...words, '--', process.execPath, fixture('e2e-consumer.js')], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, OUT: join(this.folder, 'dev.ndjson') },
    })
  }

  /** Begins this application anew elsewhere. */
  reset(args: readonly string[]): Running {
    const words = ['reset', `--config=${join(this.folder, 'app.properties')}`, ...args]
    return start(this.#t, words, { cwd: this.folder, env: { PATH: process.env.PATH } })
  }

  /** Leaves the making of leases to the daemon. */
  forgetLeases(): Promise<void> {
    return this.#empty(`app-${this.#name}`, 'leaseKey')
  }

  /** What workers that have gone said of themselves counts for a minute. */
  forgetWorkers(): Promise<void> {
    return this.#empty(`app-${this.#name}-WorkerMetricStats`, 'wid')
  }

  /** The lease table, as it is. */
  table(): Promise<Row[]> {
    return this.#scan(`app-${this.#name}`)
  }

  async leases(): Promise<Lease[]> {
    return (await this.table()).map((item) => ({
      shardId: item.leaseKey?.S ?? '',
      checkpoint: item.checkpoint?.S ?? '',
      subSequenceNumber: Number(item.checkpointSubSequenceNumber?.N),
      owner: item.leaseOwner?.S,
    }))
  }

  async #scan(TableName: string): Promise<Row[]> {
    const { Items } = await this.#stack.dynamoDB('Scan', { TableName, ConsistentRead: true })
    return Items as Row[]
  }

  async #empty(TableName: string, key: string): Promise<void> {
    for (const row of await this.#scan(TableName)) {
      await this.#stack.dynamoDB('DeleteItem', { TableName, Key: { [key]: row[key] } })
    }
  }

  /** Splits or merges shards. */
  reshard(action: 'SplitShard' | 'MergeShards', request: object): Promise<unknown> {
    return this.#stack.kinesis(action, { StreamName: this.#name, ...request })
  }
}

/** Waits for something to become true; a worker that ends meanwhile, or too long a wait, fails the test with what it said. */
export async function until(
  what: string,
  running: Running,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  let ended: string | undefined
  void running.ended.then(({ code, stderr }) => {
    ended = `exit code ${code}\n${stderr}`
  })
  const deadline = Date.now() + PATIENCE
  while (!(await holds())) {
    if (ended !== undefined) throw new Error(`The worker ended before ${what}: ${ended}`)
    if (Date.now() > deadline) {
      running.child.kill('SIGTERM')
      throw new Error(`Waited in vain until ${what}: ${(await running.ended).stderr}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}

/** Records with these texts, each under the key that `keyOf` gives it. */
export function recordsOf(texts: readonly string[], keyOf: (at: number) => string): OutgoingRecord[] {
  return texts.map((text, at) => ({ data: Buffer.from(text), partitionKey: keyOf(at) }))
}
