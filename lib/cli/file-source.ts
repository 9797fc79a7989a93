// A file of records, or standard input, as what `dev` reads. With a state the file is read again from its checkpoints.

import type { LeasePosition } from '../daemon/conversation/messages.ts'
import type { Daemon } from '../daemon/daemon.ts'
import { oddKeys } from '../daemon/faults/odd-keys.ts'
import { LeaseTable } from '../daemon/lease/lease-table.ts'
import { fileState, readFileState, type SavedState, type StateFolder } from '../daemon/lease/state.ts'
import { Input } from '../daemon/stream/input.ts'
import { keyRule } from '../daemon/stream/record-line.ts'
import { Stream } from '../daemon/stream/stream.ts'
import { plural } from '../daemon/watch/report.ts'
import { UsageError } from '../errors.ts'
import type { DevOptions, FileOptions } from './dev-options.ts'
import type { DevSource } from './dev-source.ts'
import { formatFlags } from './format-options.ts'

/** Opens the input, and reads what is there of a file. */
export async function openFile(
  options: DevOptions,
  file: FileOptions,
  folder: StateFolder | null,
): Promise<DevSource> {
  const saved = folder?.load(readFileState) ?? null
  const shape = shapeOf(options, file)
  if (saved !== null) checkSaved(saved, options, file, shape)
  const shardCount = file.shards ?? saved?.shardCount ?? 1
  const stream = new Stream({
    shards: saved?.shards ?? shardCount,
    createdAt: saved?.createdAt ?? Date.now(),
    aggregate: options.faults.aggregate,
  })
  const input = new Input({
    file: file.input,
    keyOf: keyRule(file.key),
    otherKeys: options.faults.oddKeys ? oddKeys : undefined,
    format: file,
    onRecord: (ordinal, key, hashKey) => stream.put(ordinal, key, hashKey),
    ...(folder === null ? {} : { seen: saved?.input ?? null }),
  })
  const save = (checkpoints: ReadonlyMap<string, LeasePosition>): void =>
    folder?.save(fileState({ stream, shape, shardCount, checkpoints, input: input.fingerprint }))
  try {
    if (folder !== null && !input.isFile) {
      throw new UsageError(
        `--state needs a regular file: ${input.name} cannot be read again from a checkpoint.`,
      )
    }
    if (input.isFile) await input.scan(!file.follow)
    // Even without a checkpoint the next run must find the same records under the same sequence numbers.
    save(saved?.checkpoints ?? new Map())
  } catch (error) {
    input.close()
    throw error
  }
  const isLive = file.follow || !input.isFile
  return {
    name: file.input,
    stream,
    reader: input,
    table: new LeaseTable(saved?.checkpoints, save),
    isLive,
    atEnd: folder === null ? 'end-shard' : 'drain',
    observer: {},
    feed: async (daemon) => (isLive ? readOn(input, daemon) : daemon.endInput()),
    stop: () => input.stop(),
    close: () => input.close(),
  }
}

// A stream is read ahead of its consumers, but not far; a file that is followed is looked at from time to time.
async function readOn(input: Input, daemon: Daemon): Promise<void> {
  try {
    if (input.isFile) await input.follow(() => daemon.moreInput())
    else {
      await input.drain(async () => {
        daemon.moreInput()
        while (daemon.waiting > READ_AHEAD && !daemon.stopping) await daemon.changed()
      })
      daemon.endInput()
    }
  } catch (error) {
    daemon.failInput(error)
  }
}

// What makes records of lines, in words: a state is of no use to a run that makes others.
function shapeOf({ faults }: DevOptions, file: FileOptions): string {
  return [
    ...(file.key === undefined ? ['no --key'] : []),
    ...formatFlags(file),
    ...(faults.aggregate > 1 ? [`--fault aggregate=${faults.aggregate}`] : []),
    ...(faults.oddKeys ? ['--fault odd-keys'] : []),
  ].join(' ')
}

function checkSaved(saved: SavedState, { state }: DevOptions, { shards }: FileOptions, shape: string): void {
  if (shards !== undefined && shards !== saved.shardCount) {
    throw new UsageError(
      `The state in ${state} is that of ${plural(saved.shardCount, 'shard')}, not of ${shards}: leave --shards out, or use another folder.`,
    )
  }
  if (shape !== saved.shape) {
    throw new UsageError(
      `The state in ${state} was made with ${saved.shape}, not with ${shape}: use the same, or another folder.`,
    )
  }
}

// How many records may be read ahead of their delivery.
const READ_AHEAD = 50_000
