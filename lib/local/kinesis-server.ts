// The local Kinesis: the npm package kinesis-local, from the project's own node_modules, or fetched once by npm
// into the cache. It runs with its own folder as the working directory, where it looks for server.json.

import { createHash } from 'node:crypto'
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { UsageError } from '../errors.ts'
import { makeFolder } from '../io/folder.ts'
import { cacheRoot, type FetchOptions, freshFolder } from '../launcher/machine/jar-folder.ts'
import { runProgram } from '../launcher/machine/programs.ts'
import { waitForSlot } from '../launcher/machine/slot.ts'

/** The folder of kinesis-local, fetched where it is not there yet; throws UsageError where that fails. */
export async function findKinesisLocal(options: FetchOptions): Promise<string> {
  return (
    installed(join(process.cwd(), 'package.json')) ??
    installed(import.meta.url) ??
    (await fetchIntoCache(options))
  )
}

/** The ports and streams of the local Kinesis, as it takes them from the environment. */
export function kinesisEnvironment(settings: {
  readonly port: number
  readonly tlsPort: number
  readonly region: string
}): Record<string, string> {
  return {
    KINESIS_MOCK_PLAIN_PORT: String(settings.port),
    KINESIS_MOCK_TLS_PORT: String(settings.tlsPort),
    AWS_REGION: settings.region,
    LOG_LEVEL: 'ERROR',
    // Streams are created, split and merged as fast as it can.
    ...Object.fromEntries(DURATIONS.map((name) => [`${name}_DURATION`, '10ms'])),
  }
}

function installed(from: string): string | undefined {
  try {
    return dirname(createRequire(from).resolve('kinesis-local/package.json'))
  } catch {
    return undefined
  }
}

async function fetchIntoCache(options: FetchOptions): Promise<string> {
  const root = cacheRoot(options.environment)
  if (root === undefined) {
    throw new UsageError(
      'There is no place to keep kinesis-local: set XDG_CACHE_HOME or HOME, or npm install --save-dev kinesis-local.',
    )
  }
  const folder = join(root, `${PACKAGE}-${VERSION}`)
  const inside = join(folder, 'node_modules', PACKAGE)
  const slot = await waitForSlot(`fetch/${folder}`, () => {}, options.signal)
  try {
    if (!isOurs(inside)) await install(folder, options)
    if (isOurs(inside)) return inside
    throw new UsageError(`npm fetched another ${PACKAGE} ${VERSION} than we know.`)
  } finally {
    slot?.release()
  }
}

// It has no dependencies; all of it that runs is one file.
function isOurs(folder: string): boolean {
  try {
    return (
      createHash('sha256')
        .update(readFileSync(join(folder, 'main.js')))
        .digest('hex') === SUM
    )
  } catch {
    return false
  }
}

async function install(folder: string, { environment, signal, note }: FetchOptions): Promise<void> {
  note(`Fetching ${PACKAGE} ${VERSION} with npm, once.`)
  const fresh = freshFolder(folder)
  makeFolder(fresh)
  try {
    const words = [
      'install',
      '--prefix',
      fresh,
      '--no-save',
      '--no-package-lock',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
    ]
    const result = await runProgram('npm', [...words, `${PACKAGE}@${VERSION}`], {
      cwd: fresh,
      env: environment,
      ...(signal && { signal }),
    })
    if (result?.code !== 0) {
      const said =
        result === undefined ? 'there is no npm' : result.stderr.trim().split('\n').slice(0, 3).join(' ')
      throw new UsageError(
        `npm could not fetch ${PACKAGE} ${VERSION}: ${said}. Or install it in your project: npm install --save-dev ${PACKAGE}`,
      )
    }
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

const PACKAGE = 'kinesis-local'
const VERSION = '0.6.2'
const SUM = '6d46874682bffd8c06a3ca90735e292d144626541d1450bc43326557b3dda414'
const DURATIONS = [
  'CREATE_STREAM',
  'SPLIT_SHARD',
  'MERGE_SHARDS',
  'DELETE_STREAM',
  'UPDATE_SHARD_COUNT',
  'REGISTER_STREAM_CONSUMER',
]
