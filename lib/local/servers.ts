// The two servers of the local stack as child processes: started together, waited for until both answer, and
// ended together, whatever ends us.

import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { awsClient } from '../aws/client.ts'
import { hasShell } from '../children/command.ts'
import { UsageError } from '../errors.ts'
import { type FetchOptions, fetchJars } from '../launcher/machine/jar-folder.ts'
import { filesOf, type JarSet } from '../launcher/machine/jar-set.ts'
import { findJava } from '../launcher/machine/java.ts'
import { clearTimeout, setTimeout } from '../timers.ts'
import { findKinesisLocal, kinesisEnvironment } from './kinesis-server.ts'

/** Where to listen; 0 takes any free port. */
export interface ServerOptions extends FetchOptions {
  readonly kinesisPort: number
  readonly dynamoDBPort: number
  readonly region: string
}

/** Both servers, answering. */
export interface Servers {
  readonly kinesisEndpoint: string
  readonly dynamoDBEndpoint: string
  /** Rejects when one of them ends by itself. */
  readonly failed: Promise<never>
  /** Ends both, and resolves when they have gone. */
  stop(): Promise<void>
}

/** DynamoDB Local. */
export const dynamoDBJars: JarSet = {
  name: 'dynamodb-local-2.6.1',
  pom: new URL('../../../lib/local/pom.xml', import.meta.url),
  sums: new URL('../../../lib/local/jars.sha256', import.meta.url),
  title: 'DynamoDB Local (86 files, 51 MB)',
}

/** Has both servers fetched into the cache, where they are not there yet: the folder of each. */
export async function fetchServers(options: FetchOptions): Promise<{ jars: string; kinesisLocal: string }> {
  const jars = await fetchJars(dynamoDBJars, options)
  return { jars, kinesisLocal: await findKinesisLocal(options) }
}

/** Starts both servers; throws UsageError where one cannot be started. */
export async function startServers(options: ServerOptions): Promise<Servers> {
  const { environment, signal, region } = options
  // DynamoDB Local's classes are of Java 17.
  const java = await findJava(environment, 17, signal)
  const { jars, kinesisLocal } = await fetchServers(options)
  const kinesisPort = await freePort(options.kinesisPort)
  const dynamoDBPort = await freePort(options.dynamoDBPort)
  const tlsPort = await freePort(0)
  const kinesis = new Server('kinesis-local', process.execPath, kinesisWords(kinesisLocal), {
    cwd: kinesisLocal,
    env: { ...environment, ...kinesisEnvironment({ port: kinesisPort, tlsPort, region }) },
  })
  const dynamoDB = new Server('DynamoDB Local', java.program, dynamoDBWords(jars, dynamoDBPort), {
    cwd: jars,
    env: environment,
  })
  const kinesisEndpoint = `http://localhost:${kinesisPort}`
  const dynamoDBEndpoint = `http://localhost:${dynamoDBPort}`
  const stop = async (): Promise<void> => {
    await Promise.all([kinesis.stop(), dynamoDB.stop()])
  }
  const failed = Promise.race([kinesis.failed, dynamoDB.failed])
  // Nobody is asked any more once one of them has ended.
  const over = new AbortController()
  failed.catch(() => over.abort())
  signal?.addEventListener('abort', () => over.abort(signal.reason), { once: true })
  try {
    await Promise.race([
      failed,
      Promise.all([
        answers(
          'kinesis-local',
          () =>
            awsClient({ service: 'kinesis', endpoint: kinesisEndpoint, region, environment })(
              'ListStreams',
              {},
            ),
          over.signal,
        ),
        answers(
          'DynamoDB Local',
          () =>
            awsClient({ service: 'dynamodb', endpoint: dynamoDBEndpoint, region, environment })(
              'ListTables',
              {},
            ),
          over.signal,
        ),
      ]),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  return { kinesisEndpoint, dynamoDBEndpoint, failed, stop }
}

class Server {
  readonly failed: Promise<never>
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #stopping = false

  constructor(
    name: string,
    program: string,
    words: readonly string[],
    place: { cwd: string; env: NodeJS.ProcessEnv },
  ) {
    const child = spawnWatched(program, words, place)
    this.#child = child
    let said = ''
    const keep = (text: string): void => {
      said = (said + text).slice(-MOST_SAID)
    }
    child.stdout?.setEncoding('utf8').on('data', keep)
    child.stderr?.setEncoding('utf8').on('data', keep)
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
    this.failed = new Promise((_, reject) => {
      child.once('error', (error) => reject(new UsageError(`${name} cannot be started: ${error.message}`)))
      child.once('exit', (code, signal) => {
        if (this.#stopping) return
        reject(new UsageError(`${name} ended by itself (${signal ?? `exit code ${code}`}). ${said.trim()}`))
      })
    })
    this.failed.catch(() => {})
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIME)
    await this.#exited
    clearTimeout(late)
    // The watcher goes home.
    const watcher = this.#child.stdio[3] as Writable | null | undefined
    watcher?.on('error', () => {}).end('\n')
  }
}

// Out of the terminal's group, so that Ctrl-C reaches us first; and watched, where there is a shell: the end of
// descriptor 3 without a word on it means that we were killed, and then the server goes too.
function spawnWatched(
  program: string,
  words: readonly string[],
  place: { cwd: string; env: NodeJS.ProcessEnv },
): ChildProcess {
  if (!hasShell())
    return spawn(program, words, { ...place, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
  const script = '{ if read _ <&3; then exit; fi; kill $$; } </dev/null >/dev/null 2>&1 & exec "$@" 3<&-'
  return spawn('/bin/sh', ['-c', script, 'sh', program, ...words], {
    ...place,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
}

function dynamoDBWords(jars: string, port: number): string[] {
  return [
    `-Djava.library.path=${jars}`,
    '-Dorg.eclipse.jetty.xml.XmlParser.Validating=false',
    '-Xmx256m',
    '-XX:TieredStopAtLevel=1',
    '-cp',
    filesOf(dynamoDBJars, jars)
      .filter((file) => file.endsWith('.jar'))
      .join(':'),
    'org.eclipse.jetty.xml.XmlConfiguration',
    `port=${port}`,
    fileURLToPath(DYNAMODB),
  ]
}

function kinesisWords(folder: string): string[] {
  return ['--import', new URL('loopback.js', import.meta.url).href, join(folder, 'main.js')]
}

async function answers(name: string, ask: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  const until = Date.now() + START_TIME
  for (;;) {
    signal.throwIfAborted()
    try {
      await ask()
      return
    } catch (error) {
      if (Date.now() > until)
        throw new UsageError(`${name} does not answer: ${String(error)}`, { cause: error })
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN))
  }
}

// A port that is taken is a clear message here, and a stack trace from the server.
async function freePort(wanted: number): Promise<number> {
  const server = createServer()
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wanted, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : wanted)
      })
    })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const why =
      code === 'EACCES'
        ? 'may not be used by this user'
        : code === 'EADDRINUSE'
          ? 'is in use, perhaps by another kcl-session local'
          : `cannot be used (${code})`
    throw new UsageError(`Port ${wanted} ${why}. Give --port=NUMBER.`, { cause })
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

const MOST_SAID = 2000
const STOP_TIME = 5000
const START_TIME = 60_000
const ASK_AGAIN = 100
const DYNAMODB = new URL('../../../lib/local/dynamodb.xml', import.meta.url)
