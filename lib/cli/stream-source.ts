// A stream in Kinesis as what `dev` reads. Rule: nothing is written anywhere but into the state's folder; what is read
// is taken from the same limits as the application's reads, and so no more than a part of them.

import { readFileSync } from 'node:fs'
import { KinesisSource } from '../daemon/kinesis/kinesis-source.ts'
import { KinesisStream } from '../daemon/kinesis/kinesis-stream.ts'
import { BYTES, READS } from '../daemon/kinesis/pace.ts'
import { readCheckpoints, readStreamState, streamState } from '../daemon/kinesis/saved-stream.ts'
import type { From } from '../daemon/kinesis/shard-list.ts'
import { LeaseTable } from '../daemon/lease/lease-table.ts'
import type { StateFolder } from '../daemon/lease/state.ts'
import type { Shard } from '../daemon/stream/stream.ts'
import { UsageError } from '../errors.ts'
import { systemClock } from '../time.ts'
import { timeOf } from './arguments.ts'
import { readSettings } from './configuration-options.ts'
import type { DevOptions, StreamOptions } from './dev-options.ts'
import type { DevSource } from './dev-source.ts'
import { streamPlace } from './stream-place.ts'

/** Finds the stream and its shards. */
export async function openStream(
  options: DevOptions,
  asked: StreamOptions,
  folder: StateFolder | null,
): Promise<DevSource> {
  const saved = folder?.load(readStreamState) ?? null
  const { name, stream: nameOrArn, kinesis } = streamPlace(readSettings(asked.config, asked.settings))
  const stopped = new AbortController()
  let note = (text: string): void => void process.stderr.write(`${text}\n`)
  const stream = new KinesisStream()
  const access = {
    kinesis,
    stream: nameOrArn,
    clock: systemClock,
    signal: stopped.signal,
    note: (text: string) => note(text),
  }
  const { share, until, only } = asked
  const from = saved === null ? readFrom(asked.from) : EARLIEST
  const source = await KinesisSource.open({ access, from, only, until, share, saved }, stream)
  const { arn, createdAt, since, positions } = source
  const table = new LeaseTable(positions, (stored) =>
    folder?.save(streamState({ arn, createdAt, since, positions: stored })),
  )
  folder?.save(streamState({ arn, createdAt, since, positions }))
  return {
    name,
    stream,
    reader: stream.spool,
    table,
    isLive: true,
    atEnd: 'drain',
    observer: { checkpointed: (shard, position) => stream.release(shard, position) },
    async feed(daemon, tell) {
      note = tell
      if (!options.quiet) tell(aboutReading(name, share))
      await source.run({
        addShards: (shards: readonly Shard[]) => {
          for (const shard of shards) table.store(shard, table.position(shard))
          daemon.addShards(shards)
        },
        moreInput: () => daemon.moreInput(),
        endInput: () => daemon.endInput(),
        failInput: (error) => daemon.failInput(error),
        waitingOf: (shard) => daemon.waitingOf(shard),
        changed: () => daemon.changed(),
        get stopping() {
          return daemon.stopping
        },
      })
    },
    stop: () => stopped.abort(),
    close: () => stream.spool.close(),
  }
}

function aboutReading(name: string, share: number): string {
  const reads = (READS * share).toFixed(1)
  const megabytes = ((BYTES * share) / 1024 / 1024).toFixed(1)
  return `Reading ${name} with up to ${reads} reads and ${megabytes} MB a second from each shard, out of the ${READS} and 2 that it shares with the application (--read-share). This holds no leases, so nothing takes over when it stops: it is not for production. There, use kcl-session run.`
}

function readFrom(text: string): From {
  if (text === 'latest') return { kind: 'latest' }
  if (text === 'earliest') return EARLIEST
  const time = timeOf(text)
  return time === null ? { kind: 'checkpoints', checkpoints: checkpointsIn(text) } : { kind: 'time', time }
}

function checkpointsIn(file: string): ReturnType<typeof readCheckpoints> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(
      `--from ${file}: give earliest, latest, a time such as 2026-01-31T12:00Z or 1h (ago), or a file of checkpoints; there is no such file.`,
      { cause: error },
    )
  }
  try {
    return readCheckpoints(JSON.parse(text))
  } catch (error) {
    const why = error instanceof UsageError ? error.message : 'is not JSON.'
    throw new UsageError(`--from: ${file} ${why}`, { cause: error })
  }
}

const EARLIEST: From = { kind: 'earliest' }
