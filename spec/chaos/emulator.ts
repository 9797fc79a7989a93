// The two services of a chaos run, so that each can be frozen, killed and started again: kinesis-local, and DynamoDB
// Local on disk, because its tables must outlive it.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type AwsCall, awsClient } from '../../lib/aws/client.ts'
import { fetchJars } from '../../lib/launcher/machine/jar-folder.ts'
import { findJava } from '../../lib/launcher/machine/java.ts'
import { findKinesisLocal, kinesisEnvironment } from '../../lib/local/kinesis-server.ts'
import { dynamoDBJars } from '../../lib/local/servers.ts'
import { until } from './until.ts'

export const REGION = 'us-east-1'

/** A service that answers at its endpoint until something is done to it. */
export class Emulator {
  readonly endpoint: string
  readonly call: AwsCall
  readonly #service: 'kinesis' | 'dynamodb'
  readonly #start: () => ChildProcess
  #child: ChildProcess

  constructor(service: 'kinesis' | 'dynamodb', port: number, start: () => ChildProcess) {
    this.endpoint = `http://localhost:${port}`
    this.call = awsClient({
      service,
      endpoint: this.endpoint,
      region: REGION,
      environment: {},
      timeout: 60_000,
    })
    this.#service = service
    this.#start = start
    this.#child = start()
  }

  /** Waits until it answers. */
  async answers(): Promise<void> {
    const ask = (): Promise<unknown> =>
      this.call(this.#service === 'kinesis' ? 'ListStreams' : 'ListTables', {})
    await until(`${this.#service} answers`, () => ask().then(Boolean, () => false), 120_000)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  restart(): void {
    this.#child = this.#start()
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await gone
  }
}

/** Starts both on free ports; what they write is in the run's folder, and the tables are. */
export async function startEmulators(folder: string): Promise<{ kinesis: Emulator; dynamoDB: Emulator }> {
  const options = { environment: process.env, note: (text: string) => console.error(text) }
  const java = await findJava(process.env, 17)
  const jars = await fetchJars(dynamoDBJars, options)
  const kinesisLocal = await findKinesisLocal(options)
  const [port, tlsPort, tablesPort] = [await freePort(), await freePort(), await freePort()]
  const tables = join(folder, 'tables')
  mkdirSync(tables)
  const log = openSync(join(folder, 'services.log'), 'a')
  const place = (cwd: string, extra: NodeJS.ProcessEnv = {}) => ({
    cwd,
    stdio: ['ignore', log, log] as ['ignore', number, number],
    env: { ...process.env, ...extra, CHAOS_FOLDER: folder },
  })
  const words = [`-Djava.library.path=${jars}`, '-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const main = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner'
  const server = ['-dbPath', tables, '-sharedDb', '-disableTelemetry', '-port', String(tablesPort)]
  const kinesis = new Emulator('kinesis', port, () =>
    spawn(
      process.execPath,
      ['main.js'],
      place(kinesisLocal, kinesisEnvironment({ port, tlsPort, region: REGION })),
    ),
  )
  const dynamoDB = new Emulator('dynamodb', tablesPort, () =>
    spawn(java.program, [...words, '-cp', `${jars}/*`, main, ...server], place(jars)),
  )
  await Promise.all([kinesis.answers(), dynamoDB.answers()])
  return { kinesis, dynamoDB }
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await new Promise<number>((resolve) => {
    server.listen(0, () => resolve((server.address() as { port: number }).port))
  })
  await new Promise((resolve) => server.close(resolve))
  return port
}
